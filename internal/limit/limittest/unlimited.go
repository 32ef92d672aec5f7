package limittest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testUnlimited has requests that nothing limits: none is denied, nothing is charged
// before it is settled, and what was used, and what runs, is told.
func testUnlimited(t *testing.T, open Open) {
	s, clock := start(t, open)
	p := Policy(t, limit.PolicyOptions{})
	const huge = 1 << 40
	ended, running := charged(t, s, p, huge), charged(t, s, p, huge)
	for _, g := range []*limit.Grant{ended, running} {
		if got := g.Granted(); got != (limit.Amount{}) || !s.Holds(g) {
			t.Errorf("granted %+v, and holds: %v", got, s.Holds(g))
		}
		if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: huge}, limit.WithinLimits); err != nil || got != (limit.TopUp{Granted: true}) {
			t.Errorf("TopUp: %+v, %v; want granted", got, err)
		}
	}
	s.Settle(ended, limit.Amount{Input: 300, Output: 21, Requests: 1})
	Flush(t, s)
	checkCounted(t, s, p, 1, 321, 1)

	clock.Advance(2 * time.Minute)
	s.Settle(running, limit.Amount{Output: 9, Requests: 1})
	Flush(t, s)
	v, err := s.View(t.Context(), p, "u")
	if err != nil || v.Windows[0].Used != 9 || v.Windows[1].Used != 330 {
		t.Errorf("used of the minute and the hour: %+v, %v; want 9 and 330", v.Windows, err)
	}
	if got := ended.Settlement(limit.Amount{Output: huge}); got != (limit.Settlement{}) {
		t.Errorf("the settlement is %+v, want none", got)
	}
}

// testUncountedUser limits the model alone: what its users use, and run, is told too,
// and is in nobody's way.
func testUncountedUser(t *testing.T, open Open) {
	s, _ := start(t, open)
	p := Policy(t, limit.PolicyOptions{Total: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}}, MaxConcurrent: 2})
	s.Settle(charged(t, s, p, 500), limit.Amount{Output: 100, Requests: 1})
	Flush(t, s)
	charged(t, s, p, 200)
	checkCounted(t, s, p, 1, 300, 2)

	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "v", limit.Amount{Output: 800, Requests: 1}, &g, &d); err != nil || d.Admitted {
		t.Fatalf("Reserve: %v, %+v; want denied", err, d)
	}
	if len(d.Violations) != 1 || d.Violations[0].Rule.Scope != limit.ModelScope || len(d.Standings) != 1 || d.Standings[0].Used != 300 {
		t.Errorf("denied with %+v, want one rule, of the model, with 300 used", d)
	}
}

// checkCounted compares what is told of the user u, whom no window limits.
func checkCounted(t *testing.T, s limit.Store, p *limit.Policy, running, tokens, requests int64) {
	t.Helper()
	v, err := s.View(t.Context(), p, "u")
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, w := range v.Windows {
		if w.Rule.Scope == limit.UserScope && w.Rule.Max == limit.Unlimited {
			got = append(got, w.Used+w.Reserved)
		}
	}
	if diff := cmp.Diff([]int64{tokens, tokens, tokens, requests}, got); diff != "" {
		t.Errorf("tokens per minute, hour and day, and requests per day (-want +got):\n%s", diff)
	}
	for _, g := range v.Gauges {
		if g.Running != running {
			t.Errorf("%d requests of the scope %s run, want %d", g.Running, g.Scope, running)
		}
	}
}
