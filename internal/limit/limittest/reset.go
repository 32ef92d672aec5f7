package limittest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// reset resets the account of user, and returns what counted.
func (f *fixture) reset(p *limit.Policy, user, id string, windows ...limit.Window) limit.Cleared {
	f.Helper()
	done, err := f.Reset(f.Context(), p, user, limit.Reset{ID: id, Windows: windows})
	if err != nil {
		f.Fatalf("Reset: %v", err)
	}
	return done
}

// testResets runs a random history in which accounts are reset again and again, while requests
// run, on the store and on the reference.
func (f *fixture) testResets(seed uint64) {
	o := users(
		tokens(limit.Minute, 1500), tokens(limit.Hour, 9000), tokens(limit.Day, 20_000),
		limit.Limit{Meter: limit.OutputTokens, Window: limit.Minute, Max: 700},
		limit.Limit{Meter: limit.Requests, Window: limit.Hour, Max: 60},
	)
	o.Total = []limit.Limit{tokens(limit.Hour, 200_000)}
	o.MaxConcurrent, o.MaxConcurrentPerUser, o.MaxDebt = 12, 5, 0.5
	h := &history{
		fixture: f, rand: rand.New(rand.NewPCG(seed, 5)), ref: newReference(Policy(f, o)),
		resets: 2,
	}
	for range 800 {
		h.step()
	}
}

// reset resets some windows of a user. The next charge is of another millisecond: one of the
// very same gives nothing back, which the reference does not know.
func (h *history) reset() {
	user, windows := h.user(), slices.Clone(limit.Windows[:])
	if n := h.rand.IntN(2 * len(windows)); n < len(windows) {
		windows = windows[n : n+1]
	}
	now := h.clock.Now()
	h.clock.Advance(ms)
	h.next++
	done := h.fixture.reset(h.ref.policy, user, fmt.Sprint("r", h.next), windows...)
	for _, c := range done.Sums {
		if want := h.ref.sum(c.Rule, user, h.clock.Now()); c.Sum != want || done.Repeated {
			h.Fatalf("%v: %d of %s was reset, want %d", now, c.Sum, c.Rule.Name(), want)
		}
	}
	h.ref.reset(user, windows)
	h.clock.Advance(ms)
	h.look()
}

// testReset resets an account while requests run: they are neither given back what they no longer
// hold, nor charged twice, and others keep what they charge after it.
func (f *fixture) testReset() {
	o := users(tokens(limit.Minute, 1000), tokens(limit.Day, 5000))
	o.Total = []limit.Limit{tokens(limit.Day, 9000)}
	p := Policy(f, o)
	f.settle(f.charged(p, "u", output(100)), output(100))
	f.settle(f.charged(p, "v", output(100)), output(100))
	less, more := f.charged(p, "u", output(300)), f.charged(p, "u", output(50))
	f.clock.Set(sec)
	done := f.reset(p, "u", "first")
	rules := p.Rules()
	want := limit.Cleared{
		At:   f.clock.Now(),
		Sums: []limit.ClearedSum{{Rule: rules[0], Sum: 450}, {Rule: rules[1], Sum: 450}},
	}
	if diff := cmp.Diff(want, done); diff != "" {
		f.Errorf("the reset (-want +got):\n%s", diff)
	}
	f.checkSums(p, "u", 0, 0, 550)
	f.checkSums(p, "v", 100, 100, 550)

	f.clock.Set(2 * sec)
	f.settle(f.charged(p, "u", output(40)), output(40))
	f.topUp(less, output(20), limit.WithinLimits)
	f.checkSums(p, "u", 60, 60, 610)
	f.settle(less, output(10)) // gives back the 20 of after the reset, and nothing of the 300
	f.checkSums(p, "u", 40, 40, 300)
	f.settle(more, output(80)) // 30 more than it had
	f.checkSums(p, "u", 70, 70, 330)

	if done := f.reset(p, "u", "first"); !done.Repeated || len(done.Sums) != 0 {
		f.Errorf("the same reset again: %+v", done)
	}
	f.checkSums(p, "u", 70, 70, 330)
	f.reset(p, "u", "second", limit.Minute)
	f.checkSums(p, "u", 0, 70, 330)
	f.clock.Set(24*time.Hour + 30*mins)
	f.checkSums(p, "u", 0, 0, 0)
}

// testResetOfNobody resets who has no account, which makes none.
func (f *fixture) testResetOfNobody() {
	p := Policy(f, perMinute)
	if done := f.reset(p, "nobody", "x"); done.Repeated || len(done.Sums) != 0 {
		f.Errorf("the reset of nobody: %+v", done)
	}
	f.checkListed(p, map[string][2]int64{})
}

// testResetFreesUser has a user denied, and reset: the next request is admitted.
func (f *fixture) testResetFreesUser() {
	p := Policy(f, perMinute)
	f.settle(f.charged(p, "u", output(1000)), output(1000))
	if _, d := f.reserve(p, "u", output(1)); d.Admitted {
		f.Fatal("admitted beyond the limit")
	}
	f.reset(p, "u", "x")
	f.charged(p, "u", output(1000))
	if _, d := f.reserve(p, "u", output(1)); d.Admitted {
		f.Error("admitted beyond the limit after the reset")
	}
}

// checkSums compares what counts of a user under the rules of p.
func (f *fixture) checkSums(p *limit.Policy, user string, want ...int64) {
	f.Helper()
	if got := viewed(f.view(p, user)).sums; !slices.Equal(got, want) {
		f.Errorf("the sums of %s are %v, want %v", user, got, want)
	}
}
