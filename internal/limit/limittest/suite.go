package limittest

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Open returns an empty store whose time is now's. The store is closed by the
// suite.
type Open func(t *testing.T, now func() limit.Instant) limit.Store

// Run runs the suite, each test on a store of its own.
func Run(t *testing.T, open Open) {
	for _, tl := range timelines {
		t.Run(tl.name, func(t *testing.T) { tl.run(t, open) })
	}
	t.Run("equivalence", func(t *testing.T) { testEquivalence(t, open) })
	t.Run("competing callers", func(t *testing.T) { testCompeting(t, open) })
	t.Run("adversarial arrivals", func(t *testing.T) { testBound(t, open) })
	t.Run("settled twice", func(t *testing.T) { testSettledTwice(t, open) })
	t.Run("limits change", func(t *testing.T) { testLimitsChange(t, open) })
	t.Run("a limit on the model comes while a request runs", func(t *testing.T) { testLateLimit(t, open) })
	t.Run("a window comes while a request runs", func(t *testing.T) { testLateWindow(t, open) })
	t.Run("a shorter window comes", func(t *testing.T) { testShorterWindow(t, open) })
	t.Run("a top-up of a settled request", func(t *testing.T) { testTopUpOfClosed(t, open) })
	t.Run("nothing is limited", func(t *testing.T) { testUnlimited(t, open) })
	t.Run("no user is limited", func(t *testing.T) { testUncountedUser(t, open) })
	t.Run("closed", func(t *testing.T) { testClosed(t, open) })
}

// start opens a store on a clock of its own, and closes it at the end of the
// test.
func start(t *testing.T, open Open) (limit.Store, *Clock) {
	t.Helper()
	clock := NewClock()
	s := open(t, clock.Now)
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, clock
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
