package limittest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testCompeting lets 300 callers compete for one account, all at once: exactly
// what fits is admitted, never more run than may, and nothing is held in the
// end.
func (f *fixture) testCompeting() {
	const callers, cost, fits, slots = 300, 10, 120, 9
	o := users(tokens(limit.Minute, cost*fits+cost/2))
	o.MaxConcurrent = slots
	p := Policy(f, o)
	var wg sync.WaitGroup
	var admitted, running, most atomic.Int64
	for range callers {
		wg.Go(func() {
			var g limit.Grant
			var d limit.Decision
			for !d.Admitted {
				if err := f.Reserve(f.Context(), p, "u", output(cost), &g, &d); err != nil {
					f.Errorf("Reserve: %v", err)
					return
				}
				if len(d.Violations) > 0 {
					return
				}
				if err := f.Flush(f.Context()); err != nil {
					f.Errorf("Flush: %v", err)
					return
				}
			}
			admitted.Add(1)
			raise(&most, running.Add(1))
			running.Add(-1)
			f.Settle(&g, output(cost))
		})
	}
	wg.Wait()
	f.flush()
	if got := admitted.Load(); got != fits {
		f.Errorf("%d were admitted, and %d fit", got, fits)
	}
	if got := most.Load(); got > slots {
		f.Errorf("%d ran at once, and %d may", got, slots)
	}
	f.checkUsed(p, "u", []int64{cost * fits}, []int64{0}, 0)
}

func raise(v *atomic.Int64, n int64) {
	for old := v.Load(); n > old && !v.CompareAndSwap(old, n); old = v.Load() {
	}
}

// checkUsed compares what counts under every rule, what of that is held, and how many
// requests of the model run.
func (f *fixture) checkUsed(p *limit.Policy, user string, sums, held []int64, running int64) {
	f.Helper()
	got := viewed(f.view(p, user))
	if n := got.full[0].Running; !slices.Equal(got.sums, sums) || !slices.Equal(got.held, held) ||
		n != running {
		f.Errorf("used %v, held %v, running %d; want %v, %v, %d",
			got.sums, got.held, n, sums, held, running)
	}
}

// testSettledTwice settles one grant more than once.
func (f *fixture) testSettledTwice() {
	o := users(tokens(limit.Minute, 100))
	o.MaxConcurrent = 2
	p := Policy(f, o)
	g := f.charged(p, "u", output(50))
	f.charged(p, "u", output(50))
	for range 3 {
		f.Settle(g, output(20))
	}
	f.flush()
	f.checkUsed(p, "u", []int64{70}, []int64{50}, 1)
}

// testLimitsChange swaps the policy while a request runs: what was used stays,
// a limit that is new counts from then on, and the request settles under what
// it was admitted with.
func (f *fixture) testLimitsChange() {
	before := Policy(f, users(tokens(limit.Minute, 100)))
	inputs := limit.Limit{Meter: limit.InputTokens, Window: limit.Hour, Max: 40}
	after := Policy(f, users(inputs, tokens(limit.Minute, 200)))
	need := limit.Amount{Input: 30, Output: 60, Requests: 1}
	a := f.charged(before, "u", need)
	f.clock.Set(sec)
	b := f.charged(after, "u", need)
	f.checkUsed(after, "u", []int64{180, 30}, []int64{180, 30}, 2)
	f.Settle(a, limit.Amount{Input: 30, Output: 10, Requests: 1})
	f.settle(b, need)
	f.checkUsed(after, "u", []int64{130, 30}, []int64{0, 0}, 0)
}

// testLateLimit adds a limit over all users while a request runs that was
// admitted without it: settling that request concerns only what it charged.
func (f *fixture) testLateLimit() {
	o := users(tokens(limit.Minute, 1000))
	before := Policy(f, o)
	o.Total = []limit.Limit{tokens(limit.Hour, 500)}
	after := Policy(f, o)
	early := f.charged(before, "u", output(100))
	late := f.charged(after, "v", output(50))
	f.settle(early, output(40))
	f.checkUsed(after, "u", []int64{40, 50}, []int64{0, 50}, 1)
	f.settle(late, output(50))
	f.checkUsed(after, "v", []int64{50, 50}, []int64{0, 0}, 0)
}

func (f *fixture) testClosed() {
	if err := f.Ping(f.Context()); err != nil {
		f.Errorf("Ping: %v", err)
	}
	if err := f.Close(f.Context()); err != nil {
		f.Errorf("Close: %v", err)
	}
	var g limit.Grant
	var d limit.Decision
	err := f.Reserve(f.Context(), Policy(f, perMinute), "u", limit.Amount{}, &g, &d)
	if !errors.Is(err, limit.ErrClosed) || g.IsOpen() {
		f.Errorf("Reserve: %v, want ErrClosed; the grant is open: %v", err, g.IsOpen())
	}
}
