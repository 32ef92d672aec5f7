package redis

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
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
