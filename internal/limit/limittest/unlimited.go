package limittest

import (
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testUnlimited has requests that nothing limits: none is denied, nothing is charged
// before it is settled, and what was used, and what runs, is told.
func (f *fixture) testUnlimited() {
	p := Policy(f, limit.PolicyOptions{})
	const huge = 1 << 40
	ended, running := f.charged(p, "u", output(huge)), f.charged(p, "u", output(huge))
	for _, g := range []*limit.Grant{ended, running} {
		if got := g.Granted(); got != (limit.Amount{}) || !f.Holds(g) {
			f.Errorf("granted %+v, and holds: %v", got, f.Holds(g))
		}
		got := f.topUp(g, output(huge), limit.WithinLimits)
		if got != (limit.TopUp{Granted: true}) {
			f.Errorf("TopUp: %+v; want granted", got)
		}
	}
	f.settle(ended, limit.Amount{Input: 300, Output: 21, Requests: 1})
	f.checkCounted(p, 1, 321, 1)

	f.clock.Advance(2 * time.Minute)
	f.settle(running, output(9))
	if w := f.view(p, "u").Windows; w[0].Used != 9 || w[1].Used != 330 {
		f.Errorf("used of the minute and the hour: %+v; want 9 and 330", w)
	}
	if got := ended.Settlement(output(huge)); got != (limit.Settlement{}) {
		f.Errorf("the settlement is %+v, want none", got)
	}
}

// testUncountedUser limits the model alone: what its users use, and run, is told too,
// and is in nobody's way.
func (f *fixture) testUncountedUser() {
	total := []limit.Limit{tokens(limit.Minute, 1000)}
	p := Policy(f, limit.PolicyOptions{Total: total, MaxConcurrent: 2})
	f.settle(f.charged(p, "u", output(500)), output(100))
	f.charged(p, "u", output(200))
	f.checkCounted(p, 1, 300, 2)

	_, d := f.reserve(p, "v", output(800))
	if len(d.Violations) != 1 || d.Violations[0].Rule.Scope != limit.ModelScope ||
		len(d.Standings) != 1 || d.Standings[0].Used != 300 {
		f.Errorf("denied with %+v, want one rule, of the model, with 300 used", d)
	}
}

// checkCounted compares what is told of the user u, whom no window limits.
func (f *fixture) checkCounted(p *limit.Policy, running, tokens, requests int64) {
	f.Helper()
	v := f.view(p, "u")
	var got []int64
	for _, w := range v.Windows {
		if w.Rule.Scope == limit.UserScope && w.Rule.Max == limit.Unlimited {
			got = append(got, w.Used+w.Reserved)
		}
	}
	if want := []int64{tokens, tokens, tokens, requests}; !slices.Equal(got, want) {
		f.Errorf("tokens per minute, hour and day, and requests per day: %v, want %v", got, want)
	}
	for _, g := range v.Gauges {
		if g.Running != running {
			f.Errorf("%d requests of the scope %s run, want %d", g.Running, g.Scope, running)
		}
	}
}
