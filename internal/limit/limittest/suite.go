package limittest

import (
	"fmt"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Open returns an empty store whose time is now's. The store is closed by the
// suite.
type Open func(t *testing.T, now func() limit.Instant) limit.Store

// Run runs the suite, each test on a store of its own.
func Run(t *testing.T, open Open) {
	on := func(name string, test func(f *fixture)) {
		t.Run(name, func(t *testing.T) { test(start(t, open)) })
	}
	for _, tl := range timelines {
		on(tl.name, tl.run)
	}
	for seed := range uint64(4) {
		on(fmt.Sprint("equivalence, seed ", seed), func(f *fixture) { f.testEquivalence(seed) })
	}
	for name, arrivals := range adversaries() {
		on("adversarial arrivals, "+name, func(f *fixture) { f.testBound(arrivals) })
	}
	on("competing callers", (*fixture).testCompeting)
	on("settled twice", (*fixture).testSettledTwice)
	on("limits change", (*fixture).testLimitsChange)
	on("a limit on the model comes while a request runs", (*fixture).testLateLimit)
	on("a window comes while a request runs", func(f *fixture) { f.testLateWindow(sec) })
	on("a window comes in the same millisecond", func(f *fixture) { f.testLateWindow(0) })
	on("a window comes, and more is used than charged", (*fixture).testLateWindowExceeded)
	on("a shorter window comes", (*fixture).testShorterWindow)
	on("a top-up of a settled request", (*fixture).testTopUpOfClosed)
	on("nothing is limited", (*fixture).testUnlimited)
	on("no user is limited", (*fixture).testUncountedUser)
	for seed := range uint64(4) {
		on(fmt.Sprint("resets, seed ", seed), func(f *fixture) { f.testResets(seed) })
	}
	on("a reset while requests run", (*fixture).testReset)
	on("a reset of nobody", (*fixture).testResetOfNobody)
	on("a reset of who is denied", (*fixture).testResetFreesUser)
	on("users", (*fixture).testUsers)
	on("many users", (*fixture).testManyUsers)
	on("users whom nothing limits", (*fixture).testUncountedUsers)
	on("pages that there are not", (*fixture).testNoPage)
	on("slots", (*fixture).testSlots)
	on("closed", (*fixture).testClosed)
}

// fixture is a store under test, on a clock of its own.
type fixture struct {
	*testing.T
	limit.Store
	clock *Clock
}

// start opens a store, and closes it at the end of the test.
func start(t *testing.T, open Open) *fixture {
	t.Helper()
	clock := NewClock()
	f := &fixture{t, open(t, clock.Now), clock}
	t.Cleanup(func() {
		if err := f.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

// Policy compiles o, and ends the test where that fails. Maxima of concurrent
// requests that are 0 mean unlimited.
func Policy(t testing.TB, o limit.PolicyOptions) *limit.Policy {
	t.Helper()
	if o.Model == "" {
		o.Model = "llama2-7b"
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = limit.Unlimited
	}
	if o.MaxConcurrentPerUser == 0 {
		o.MaxConcurrentPerUser = limit.Unlimited
	}
	p, err := limit.NewPolicy(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// users returns the options of a policy that limits each user.
func users(limits ...limit.Limit) limit.PolicyOptions { return limit.PolicyOptions{User: limits} }

func tokens(w limit.Window, n int64) limit.Limit {
	return limit.Limit{Meter: limit.Tokens, Window: w, Max: n}
}

// output is what a request with so many output tokens is charged, or has used.
func output(n int64) limit.Amount { return limit.Amount{Output: n, Requests: 1} }

// reserve returns the answer to a reservation, and its grant, which is open where it was
// admitted.
func (f *fixture) reserve(p *limit.Policy, user string, need limit.Amount,
) (g *limit.Grant, d limit.Decision) {
	f.Helper()
	g = &limit.Grant{}
	if err := f.Reserve(f.Context(), p, user, need, g, &d); err != nil {
		f.Fatalf("Reserve: %v", err)
	}
	if d.Admitted != g.IsOpen() {
		f.Errorf("admitted is %v, and the grant is open: %v", d.Admitted, g.IsOpen())
	}
	if d.Admitted && len(d.Violations)+len(d.Full) > 0 {
		f.Errorf("admitted, although %+v and %+v are in the way", d.Violations, d.Full)
	}
	return g, d
}

// charged reserves for a user, which must be admitted.
func (f *fixture) charged(p *limit.Policy, user string, need limit.Amount) *limit.Grant {
	f.Helper()
	g, d := f.reserve(p, user, need)
	if !d.Admitted {
		f.Fatalf("denied: %+v", d)
	}
	return g
}

func (f *fixture) topUp(g *limit.Grant, more limit.Amount, b limit.Bound) limit.TopUp {
	f.Helper()
	got, err := f.TopUp(f.Context(), g, more, b)
	if err != nil {
		f.Fatalf("TopUp: %v", err)
	}
	return got
}

// settle settles g, and waits until that has been applied.
func (f *fixture) settle(g *limit.Grant, used limit.Amount) {
	f.Helper()
	f.Settle(g, used)
	f.flush()
}

func (f *fixture) flush() {
	f.Helper()
	if err := f.Flush(f.Context()); err != nil {
		f.Fatalf("Flush: %v", err)
	}
}

func (f *fixture) view(p *limit.Policy, user string) limit.View {
	f.Helper()
	v, err := f.View(f.Context(), p, user)
	if err != nil {
		f.Fatalf("View: %v", err)
	}
	return v
}
