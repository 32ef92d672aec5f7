package limittest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testCompeting lets 300 callers compete for one account, all at once: exactly
// what fits is admitted, never more run than may, and nothing is held in the
// end.
func testCompeting(t *testing.T, open Open) {
	const callers, cost, fits, slots = 300, 10, 120, 9
	s, _ := start(t, open)
	p := Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: cost*fits + cost/2}},
		MaxConcurrent: slots,
	})
	var wg sync.WaitGroup
	var admitted, running, most atomic.Int64
	for range callers {
		wg.Go(func() {
			need := limit.Amount{Output: cost, Requests: 1}
			for {
				var g limit.Grant
				var d limit.Decision
				if err := s.Reserve(t.Context(), p, "u", need, &g, &d); err != nil {
					t.Errorf("Reserve: %v", err)
					return
				}
				if d.Admitted {
					admitted.Add(1)
					raise(&most, running.Add(1))
					running.Add(-1)
					s.Settle(&g, need)
					return
				}
				if len(d.Violations) > 0 {
					return
				}
				Flush(t, s)
			}
		})
	}
	wg.Wait()
	Flush(t, s)
	if got := admitted.Load(); got != fits {
		t.Errorf("%d were admitted, and %d fit", got, fits)
	}
	if got := most.Load(); got > slots {
		t.Errorf("%d ran at once, and %d may", got, slots)
	}
	got := viewed(t, s, p, "u")
	if got.sums[0] != cost*fits || got.held[0] != 0 || got.full[0].Running != 0 {
		t.Errorf("in the end %d are used, %d held, %d running; want %d, 0, 0", got.sums[0], got.held[0], got.full[0].Running, cost*fits)
	}
}

// raise sets v to at least n.
func raise(v *atomic.Int64, n int64) {
	for {
		old := v.Load()
		if n <= old || v.CompareAndSwap(old, n) {
			return
		}
	}
}

// testSettledTwice settles one grant from many callers in turn.
func testSettledTwice(t *testing.T, open Open) {
	s, _ := start(t, open)
	p := Policy(t, limit.PolicyOptions{
		User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 100}}, MaxConcurrent: 2,
	})
	var a, b limit.Grant
	var d limit.Decision
	for _, g := range []*limit.Grant{&a, &b} {
		if err := s.Reserve(t.Context(), p, "u", limit.Amount{Output: 50, Requests: 1}, g, &d); err != nil || !d.Admitted {
			t.Fatalf("Reserve: %v, %+v", err, d)
		}
	}
	for range 3 {
		s.Settle(&a, limit.Amount{Output: 20, Requests: 1})
	}
	Flush(t, s)
	got := viewed(t, s, p, "u")
	if got.sums[0] != 70 || got.held[0] != 50 || got.full[0].Running != 1 {
		t.Errorf("used %d, held %d, running %d; want 70, 50, 1", got.sums[0], got.held[0], got.full[0].Running)
	}
}

// testLimitsChange swaps the policy while a request runs: what was used stays,
// a limit that is new counts from then on, and the request settles under what
// it was admitted with.
func testLimitsChange(t *testing.T, open Open) {
	s, clock := start(t, open)
	before := Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 100}}})
	after := Policy(t, limit.PolicyOptions{User: []limit.Limit{
		{Meter: limit.InputTokens, Window: limit.Hour, Max: 40},
		{Meter: limit.Tokens, Window: limit.Minute, Max: 200},
	}})
	var a, b limit.Grant
	var d limit.Decision
	need := limit.Amount{Input: 30, Output: 60, Requests: 1}
	if err := s.Reserve(t.Context(), before, "u", need, &a, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	clock.Set(sec)
	if err := s.Reserve(t.Context(), after, "u", need, &b, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	if got := viewed(t, s, after, "u"); got.sums[0] != 180 || got.sums[1] != 30 {
		t.Errorf("the sums are %v, want [180 30]", got.sums)
	}
	s.Settle(&a, limit.Amount{Input: 30, Output: 10, Requests: 1})
	s.Settle(&b, need)
	Flush(t, s)
	if got := viewed(t, s, after, "u"); got.sums[0] != 130 || got.sums[1] != 30 {
		t.Errorf("settled, the sums are %v, want [130 30]", got.sums)
	}
}

// testLateLimit adds a limit over all users while a request runs that was
// admitted without it: settling that request concerns only what it charged.
func testLateLimit(t *testing.T, open Open) {
	s, _ := start(t, open)
	user := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}}
	before := Policy(t, limit.PolicyOptions{User: user})
	after := Policy(t, limit.PolicyOptions{User: user, Total: []limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: 500}}})
	var early, late limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), before, "u", limit.Amount{Output: 100, Requests: 1}, &early, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	if err := s.Reserve(t.Context(), after, "v", limit.Amount{Output: 50, Requests: 1}, &late, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	s.Settle(&early, limit.Amount{Output: 40, Requests: 1})
	Flush(t, s)
	if got := viewed(t, s, after, "u"); got.sums[0] != 40 || got.held[0] != 0 || got.sums[1] != 50 || got.held[1] != 50 {
		t.Errorf("sums %v, held %v; want [40 50], [0 50]", got.sums, got.held)
	}
	s.Settle(&late, limit.Amount{Output: 50, Requests: 1})
	Flush(t, s)
	if got := viewed(t, s, after, "v"); got.sums[0] != 50 || got.held[0] != 0 || got.sums[1] != 50 || got.held[1] != 0 {
		t.Errorf("settled, sums %v, held %v; want [50 50], [0 0]", got.sums, got.held)
	}
}

// testClosed checks that a closed store says so.
func testClosed(t *testing.T, open Open) {
	s, _ := start(t, open)
	p := Policy(t, perMinute)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "u", limit.Amount{}, &g, &d); !errors.Is(err, limit.ErrClosed) {
		t.Errorf("Reserve: %v, want ErrClosed", err)
	}
	if g.IsOpen() {
		t.Error("the grant is open")
	}
}
