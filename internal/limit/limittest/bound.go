package limittest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Charged is one entry of a log of charges: what was charged, and when.
type Charged struct {
	At     limit.Instant
	Amount int64
}

// HeaviestWindow returns the most that any rolling window of the given length
// carries, over every position to the millisecond: the heaviest one ends at a
// charge, so looking at those is looking at all. The log is in order of time.
// A window of length W that ends at t holds the charges in (t-W, t].
func HeaviestWindow(log []Charged, length time.Duration) (heaviest int64) {
	var sum int64
	first := 0
	for _, c := range log {
		sum += c.Amount
		for log[first].At <= c.At-limit.Instant(length.Milliseconds()) {
			sum -= log[first].Amount
			first++
		}
		heaviest = max(heaviest, sum)
	}
	return heaviest
}

// Arrival is a moment at which requests arrive.
type Arrival struct {
	At    time.Duration // after Epoch
	Count int           // requests at once
	Cost  int64         // tokens of each
}

// Adversaries are arrivals made to break rolling windows: bursts just before
// and after every boundary, a trickle and then a burst, chance. Each lasts some
// minutes and asks for several times what 1000 tokens a minute admit.
func Adversaries() map[string][]Arrival {
	all := map[string][]Arrival{}
	for _, offset := range []time.Duration{0, 1 * ms, 500 * ms, 998 * ms, 999 * ms} {
		var a []Arrival
		for s := range 240 {
			a = append(a, Arrival{time.Duration(s)*sec + offset, 20, 10})
		}
		all[fmt.Sprintf("bursts %v into every second", offset)] = a
	}
	var edges []Arrival
	for m := range 5 {
		at := time.Duration(m+1) * mins
		edges = append(edges, Arrival{at - 1*ms, 300, 7}, Arrival{at, 300, 7}, Arrival{at + 999*ms, 300, 7}, Arrival{at + sec, 300, 7})
	}
	all["bursts at every minute's edge"] = edges
	var trickle []Arrival
	for m := range 4 {
		start := time.Duration(m) * 61 * sec
		for i := range 58 {
			trickle = append(trickle, Arrival{start + time.Duration(i)*sec + 999*ms, 1, 1})
		}
		trickle = append(trickle, Arrival{start + 58999*ms, 300, 9}, Arrival{start + 60*sec, 300, 9}, Arrival{start + 60999*ms, 300, 9})
	}
	all["a trickle, then a burst"] = trickle
	r := rand.New(rand.NewPCG(7, 7))
	var chance []Arrival
	for at := time.Duration(0); at < 5*mins; at += time.Duration(r.IntN(400)) * ms {
		chance = append(chance, Arrival{at, 1 + r.IntN(20), 1 + r.Int64N(60)})
	}
	all["chance"] = chance
	return all
}

// testBound lets the adversaries loose on one account and judges the log of
// what was charged.
func testBound(t *testing.T, open Open) {
	const maximum = 1000
	for name, arrivals := range Adversaries() {
		t.Run(name, func(t *testing.T) {
			s, clock := start(t, open)
			p := Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: maximum}}})
			log := Drive(arrivals, clock, func(cost int64) bool {
				var g limit.Grant
				var d limit.Decision
				if err := s.Reserve(t.Context(), p, "u", limit.Amount{Input: cost, Requests: 1}, &g, &d); err != nil {
					t.Fatal(err)
				}
				if d.Admitted {
					s.Settle(&g, limit.Amount{Input: cost, Requests: 1})
				}
				return d.Admitted
			})
			heaviest := HeaviestWindow(log, time.Minute)
			if heaviest > maximum {
				t.Errorf("a rolling minute carries %d tokens, and may carry %d", heaviest, maximum)
			}
			if heaviest < maximum*9/10 {
				t.Errorf("the heaviest minute carries %d tokens of %d under saturation", heaviest, maximum)
			}
		})
	}
}

// Drive offers the arrivals to admit at their times, and returns the log of
// what it admitted.
func Drive(arrivals []Arrival, clock *Clock, admit func(cost int64) bool) []Charged {
	var log []Charged
	for _, a := range arrivals {
		clock.Set(a.At)
		for range a.Count {
			if admit(a.Cost) {
				log = append(log, Charged{clock.Now(), a.Cost})
			}
		}
	}
	return log
}
