package redis

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// TestWindowsBeginAnewAfterALoss loses all data after something was settled. Whatever
// comes first then, a reservation, a heartbeat, a top-up or a settlement: what is
// reserved from then on gives back what it has not used, and only what ran before is
// restored.
func TestWindowsBeginAnewAfterALoss(t *testing.T) {
	for first, meet := range map[string]func(*testing.T, *Store, *limit.Policy, *limit.Grant){
		"reservation": func(*testing.T, *Store, *limit.Policy, *limit.Grant) {},
		"heartbeat":   func(_ *testing.T, s *Store, _ *limit.Policy, _ *limit.Grant) { s.renew() },
		"top-up": func(t *testing.T, s *Store, _ *limit.Policy, g *limit.Grant) {
			if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 7}, limit.WithinDebt); err != nil || !got.Granted {
				t.Fatalf("TopUp: %+v, %v", got, err)
			}
		},
		"settlement": func(t *testing.T, s *Store, p *limit.Policy, g *limit.Grant) {
			s.Settle(g, output(3))
			mustFlush(t, s)
		},
	} {
		t.Run(first, func(t *testing.T) {
			a, b, clock := pair(t)
			p := ten(t)
			b.Serve([]string{p.Model()})
			g := mustReserve(t, a, p, "v", output(5))
			a.Settle(mustReserve(t, a, p, "u", output(5)), output(5))
			mustFlush(t, a)
			clock.Advance(time.Second)
			must(t, shared, "FLUSHALL")
			meet(t, a, p, g)
			grants := admitted(t, a, p, "u", 5)
			for range 2 {
				pass(clock, heartbeatEvery, a, b)
				mustFlush(t, a)
			}
			running, restored := int64(5), int64(0)
			if g.IsOpen() {
				running, restored = 6, 1
			}
			mustRunOf(t, b, p, running, "u", 5)
			for _, g := range grants {
				a.Settle(g, output(2))
			}
			mustFlush(t, a)
			mustStand(t, b, p, "u", standing{10, 0, running - 5})
			a.Settle(g, output(2))
			mustFlush(t, a)
			mustRunOf(t, b, p, 0, "u", 0)
			mustRunOf(t, b, p, 0, "v", 0)
			lost := int64(1) - restored
			if st := a.Stats(); st.Restored != restored || st.Lost != lost || st.Missing != 0 {
				t.Errorf("the stats are %+v, want %d restored, %d lost and nothing missing", st, restored, lost)
			}
		})
	}
}

// TestHoldsOfBeforeGo: what an account says that a replica holds, and is of an enrolment
// that has ended, goes with the next settlement: releases before this one would count it.
func TestHoldsOfBeforeGo(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, replica: "me", heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(10))
	must(t, shared, "DEL", "token:concurrent:{llama2-7b}")
	s.Settle(g, output(20))
	mustFlush(t, s)
	h, err := shared.Hash("token:usage:{llama2-7b}:u")
	if err != nil || h["t"] == "" || h["h:me"] != "" || h["e:me"] != "" {
		t.Errorf("the account is %v, %v; want that nothing is held", h, err)
	}
}

// TestNothingMakesNoAccount: a settlement that changes nothing makes no account, where Redis
// has lost what was there.
func TestNothingMakesNoAccount(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(10))
	must(t, shared, "FLUSHALL")
	s.Settle(g, output(10))
	mustFlush(t, s)
	if keys := keysOf(t, shared); len(keys) != 1 {
		t.Errorf("the keys are %q, want that of the replicas", keys)
	}
}

// TestRestoredBeforeTheModelIsLimited: a request that is written again while nothing limits
// the model has no part in the model's account, which comes later.
func TestRestoredBeforeTheModelIsLimited(t *testing.T) {
	s := open(t, Options{Now: limittest.NewClock().Now, Timeout: patient, heartbeat: -1})
	limits := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}}
	before, after := limittest.Policy(t, limit.PolicyOptions{User: limits}), limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits})
	early := mustReserve(t, s, before, "u", output(10))
	must(t, shared, "FLUSHALL")
	s.Settle(mustReserve(t, s, before, "v", output(1)), output(1)) // tells of the loss
	s.renew()
	mustFlush(t, s)
	mustReserve(t, s, after, "w", output(100))
	s.Settle(early, output(10))
	mustFlush(t, s)
	v, err := s.View(t.Context(), after, "w")
	if err != nil || v.Windows[1].Reserved != 100 || s.Stats().Restored != 1 {
		t.Errorf("%+v, %v, restored %d; want that the model holds what w does", v.Windows, err, s.Stats().Restored)
	}
}
