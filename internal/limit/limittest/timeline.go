package limittest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// timeline is a history with the answers that it must get.
type timeline struct {
	name   string
	policy limit.PolicyOptions
	steps  []step
}

// step is one operation at one moment.
type step struct {
	at    time.Duration // after Epoch
	do    op
	grant string // names the grant among those of the timeline
	user  string // "" means "u"
	in    int64
	out   int64
	want  answer
}

type op int

const (
	reserve     op = iota // in and out
	topUp                 // in and out more, as far as debt is allowed
	topUpWithin           // in and out more, within the limits
	settle                // in and out used, and one request
	refund                // everything: nothing was used
	look                  // want.sums are the sums under every rule
)

// answer is what a step must get. Nothing is compared of what is nil or
// zero, but admitted.
type answer struct {
	denied bool
	wait   time.Duration     // of the first violation
	broken []string          // "scope meter window" of every violation, in order
	full   []limit.Gauge     // of gauges that were full
	debt   int64             // of a top-up
	comes  *limit.Settlement // what a settlement comes to
	sums   []int64           // used + reserved under every rule
	held   []int64           // reserved under every rule
	reset  []time.Duration   // under every rule
}

func (tl timeline) run(t *testing.T, open Open) {
	s, clock := start(t, open)
	p := Policy(t, tl.policy)
	grants := map[string]*limit.Grant{}
	for i, st := range tl.steps {
		clock.Set(st.at)
		if st.user == "" {
			st.user = "u"
		}
		got := st.apply(t, s, p, grants)
		st.compare(t, i, got)
	}
}

// apply does the step and returns its whole answer.
func (st step) apply(t *testing.T, s limit.Store, p *limit.Policy, grants map[string]*limit.Grant) answer {
	t.Helper()
	amount := limit.Amount{Input: st.in, Output: st.out}
	switch st.do {
	case reserve:
		amount.Requests = 1
		g := &limit.Grant{}
		grants[st.grant] = g
		return st.reserve(t, s, p, amount, g)
	case topUp, topUpWithin:
		bound := limit.WithinDebt
		if st.do == topUpWithin {
			bound = limit.WithinLimits
		}
		got, err := s.TopUp(t.Context(), grants[st.grant], amount, bound)
		if err != nil {
			t.Fatalf("TopUp: %v", err)
		}
		return answer{denied: !got.Granted, debt: got.Debt}
	case settle:
		amount.Requests = 1
		fallthrough
	case refund:
		comes := grants[st.grant].Settlement(amount)
		s.Settle(grants[st.grant], amount)
		Flush(t, s)
		return answer{comes: &comes}
	}
	return viewed(t, s, p, st.user)
}

func (st step) reserve(t *testing.T, s limit.Store, p *limit.Policy, need limit.Amount, g *limit.Grant) answer {
	t.Helper()
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, st.user, need, g, &d); err != nil {
		t.Fatalf("Reserve: %v", err)
	}
	if d.Admitted != g.IsOpen() {
		t.Errorf("admitted is %v, and the grant is open: %v", d.Admitted, g.IsOpen())
	}
	if d.Admitted && len(d.Violations)+len(d.Full) > 0 {
		t.Errorf("admitted, although %+v and %+v are in the way", d.Violations, d.Full)
	}
	a := answer{denied: !d.Admitted, full: d.Full}
	for i, v := range d.Violations {
		if i == 0 {
			a.wait = v.Wait
		}
		a.broken = append(a.broken, v.Rule.Scope.String()+" "+v.Rule.Meter.String()+" "+v.Rule.Window.String())
	}
	for _, standing := range d.Standings {
		a.sums = append(a.sums, standing.Used)
		a.reset = append(a.reset, standing.Reset)
	}
	return a
}

// viewed returns the view of user as an answer.
func viewed(t testing.TB, s limit.Store, p *limit.Policy, user string) answer {
	t.Helper()
	v, err := s.View(t.Context(), p, user)
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	var a answer
	for _, w := range v.Windows {
		a.sums = append(a.sums, w.Used+w.Reserved)
		a.held = append(a.held, w.Reserved)
		a.reset = append(a.reset, w.Reset)
	}
	a.full = v.Gauges
	return a
}

// compare reports where got differs from what the step wants.
func (st step) compare(t *testing.T, i int, got answer) {
	t.Helper()
	w := st.want
	if got.denied != w.denied || got.debt != w.debt {
		t.Errorf("step %d at %v: denied %v with debt %d; want %v with %d", i, st.at, got.denied, got.debt, w.denied, w.debt)
	}
	if w.wait != 0 && got.wait != w.wait {
		t.Errorf("step %d at %v: the wait is %v, want %v", i, st.at, got.wait, w.wait)
	}
	for _, c := range []struct {
		name      string
		got, want any
		skip      bool
	}{
		{"broken rules", got.broken, w.broken, w.broken == nil},
		{"full gauges", got.full, w.full, w.full == nil},
		{"settlement", got.comes, w.comes, w.comes == nil},
		{"sums", got.sums, w.sums, w.sums == nil},
		{"held", got.held, w.held, w.held == nil},
		{"reset", got.reset, w.reset, w.reset == nil},
	} {
		if diff := cmp.Diff(c.want, c.got); !c.skip && diff != "" {
			t.Errorf("step %d at %v: %s (-want +got):\n%s", i, st.at, c.name, diff)
		}
	}
}

// Flush waits until what was settled has been applied.
func Flush(t testing.TB, s limit.Store) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}
