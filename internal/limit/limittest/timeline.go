package limittest

import (
	"reflect"
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
	broken []string          // the names of the rules of all violations, in order
	full   []limit.Gauge     // of gauges that were full
	debt   int64             // of a top-up
	comes  *limit.Settlement // what a settlement comes to
	sums   []int64           // used + reserved under every rule
	held   []int64           // reserved under every rule
	reset  []time.Duration   // under every rule
}

func (tl timeline) run(f *fixture) {
	p := Policy(f, tl.policy)
	grants := map[string]*limit.Grant{}
	for i, st := range tl.steps {
		f.clock.Set(st.at)
		if st.user == "" {
			st.user = "u"
		}
		st.compare(f, i, st.apply(f, p, grants))
	}
}

// apply does the step and returns its whole answer.
func (st step) apply(f *fixture, p *limit.Policy, grants map[string]*limit.Grant) answer {
	amount := limit.Amount{Input: st.in, Output: st.out}
	g, bound := grants[st.grant], limit.WithinDebt
	switch st.do {
	case reserve:
		amount.Requests = 1
		g, d := f.reserve(p, st.user, amount)
		grants[st.grant] = g
		return decided(&d)
	case topUpWithin:
		bound = limit.WithinLimits
		fallthrough
	case topUp:
		got := f.topUp(g, amount, bound)
		return answer{denied: !got.Granted, debt: got.Debt}
	case settle:
		amount.Requests = 1
		fallthrough
	case refund:
		comes := g.Settlement(amount)
		f.settle(g, amount)
		return answer{comes: &comes}
	}
	return viewed(f.view(p, st.user))
}

func decided(d *limit.Decision) answer {
	a := answer{denied: !d.Admitted, full: d.Full}
	for i, v := range d.Violations {
		if i == 0 {
			a.wait = v.Wait
		}
		a.broken = append(a.broken, v.Rule.Name())
	}
	for _, standing := range d.Standings {
		a.sums = append(a.sums, standing.Used)
		a.reset = append(a.reset, standing.Reset)
	}
	return a
}

func viewed(v limit.View) answer {
	a := answer{full: v.Gauges}
	for _, w := range v.Windows {
		a.sums = append(a.sums, w.Used+w.Reserved)
		a.held = append(a.held, w.Reserved)
		a.reset = append(a.reset, w.Reset)
	}
	return a
}

// compare reports where got differs from what the step wants.
func (st step) compare(f *fixture, i int, got answer) {
	w := st.want
	if got.denied != w.denied || got.debt != w.debt {
		f.Errorf("step %d at %v: denied %v with debt %d; want %v with %d",
			i, st.at, got.denied, got.debt, w.denied, w.debt)
	}
	if w.wait != 0 && got.wait != w.wait {
		f.Errorf("step %d at %v: the wait is %v, want %v", i, st.at, got.wait, w.wait)
	}
	for name, c := range map[string]struct{ want, got any }{
		"broken rules": {w.broken, got.broken},
		"full gauges":  {w.full, got.full},
		"settlement":   {w.comes, got.comes},
		"sums":         {w.sums, got.sums},
		"held":         {w.held, got.held},
		"reset":        {w.reset, got.reset},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" && !reflect.ValueOf(c.want).IsNil() {
			f.Errorf("step %d at %v: %s (-want +got):\n%s", i, st.at, name, diff)
		}
	}
}
