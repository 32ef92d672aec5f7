package limittest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// charged is one entry of a log of charges: what was charged, and when.
type charged struct {
	at     limit.Instant
	amount int64
}

// heaviestWindow returns the most that any rolling window of the given length
// carries, over every position to the millisecond: the heaviest one ends at a
// charge, so looking at those is looking at all. The log is in order of time.
// A window of length W that ends at t holds the charges in (t-W, t].
func heaviestWindow(log []charged, length time.Duration) (heaviest int64) {
	var sum int64
	first := 0
	for _, c := range log {
		sum += c.amount
		for ; log[first].at.Add(length) <= c.at; first++ {
			sum -= log[first].amount
		}
		heaviest = max(heaviest, sum)
	}
	return heaviest
}

// arrival is a moment at which requests arrive.
type arrival struct {
	at    time.Duration // after Epoch
	count int           // requests at once
	cost  int64         // tokens of each
}

// adversaries are arrivals made to break rolling windows: bursts just before
// and after every boundary, a trickle and then a burst, chance. Each lasts some
// minutes and asks for several times what 1000 tokens a minute admit.
func adversaries() map[string][]arrival {
	all := map[string][]arrival{}
	for _, offset := range []time.Duration{0, 1 * ms, 500 * ms, 998 * ms, 999 * ms} {
		var a []arrival
		for s := range 240 {
			a = append(a, arrival{time.Duration(s)*sec + offset, 20, 10})
		}
		all[fmt.Sprintf("bursts %v into every second", offset)] = a
	}
	var edges []arrival
	for m := range 5 {
		for _, offset := range []time.Duration{-1 * ms, 0, 999 * ms, sec} {
			edges = append(edges, arrival{time.Duration(m+1)*mins + offset, 300, 7})
		}
	}
	all["bursts at every minute's edge"] = edges
	var trickle []arrival
	for m := range 4 {
		start := time.Duration(m) * 61 * sec
		for i := range 58 {
			trickle = append(trickle, arrival{start + time.Duration(i)*sec + 999*ms, 1, 1})
		}
		for _, offset := range []time.Duration{58999 * ms, 60 * sec, 60999 * ms} {
			trickle = append(trickle, arrival{start + offset, 300, 9})
		}
	}
	all["a trickle, then a burst"] = trickle
	r := rand.New(rand.NewPCG(7, 7))
	var chance []arrival
	for at := time.Duration(0); at < 5*mins; at += time.Duration(r.IntN(400)) * ms {
		chance = append(chance, arrival{at, 1 + r.IntN(20), 1 + r.Int64N(60)})
	}
	all["chance"] = chance
	return all
}

// testBound lets an adversary loose on one account and judges the log of
// what was charged.
func (f *fixture) testBound(arrivals []arrival) {
	const maximum = 1000
	p := Policy(f, users(tokens(limit.Minute, maximum)))
	log := drive(arrivals, f.clock, func(cost int64) bool {
		g, d := f.reserve(p, "u", limit.Amount{Input: cost, Requests: 1})
		f.Settle(g, limit.Amount{Input: cost, Requests: 1})
		return d.Admitted
	})
	heaviest := heaviestWindow(log, time.Minute)
	if heaviest > maximum {
		f.Errorf("a rolling minute carries %d tokens, and may carry %d", heaviest, maximum)
	}
	if heaviest < maximum*9/10 {
		f.Errorf("the heaviest minute carries %d tokens of %d under saturation", heaviest, maximum)
	}
}

// drive offers the arrivals to admit at their times, and returns the log of
// what it admitted.
func drive(arrivals []arrival, clock *Clock, admit func(cost int64) bool) (log []charged) {
	for _, a := range arrivals {
		clock.Set(a.at)
		for range a.count {
			if admit(a.cost) {
				log = append(log, charged{clock.Now(), a.cost})
			}
		}
	}
	return log
}
