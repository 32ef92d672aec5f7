package limit

import "time"

// View is where a user stands under a policy at a moment.
type View struct {
	At      Instant // the store's time
	Windows []WindowView
	Gauges  []Gauge
}

// WindowView is where an account stands under one rule, or what was counted of it.
type WindowView struct {
	Rule     Rule          // Max is Unlimited where it only counts
	Used     int64         // settled charges that count
	Reserved int64         // charges that count, of requests that are still running
	Reset    time.Duration // until the window is empty if nothing more is charged
}

// Remaining returns what the rule still admits, never below 0; for one that only
// counts, a number that is of no use.
func (w WindowView) Remaining() int64 { return max(0, w.Rule.Admissible-w.Used-w.Reserved) }

// NewWindowView splits sum, what counts in the window of r, into what is
// settled and what running requests hold.
func NewWindowView(r Rule, sum, held int64, reset time.Duration) WindowView {
	held = max(0, min(held, sum))
	return WindowView{Rule: r, Used: sum - held, Reserved: held, Reset: reset}
}

// View returns where the subjects stand under p at the moment at.
func (s *Subjects) View(p *Policy, at Instant) View {
	v := View{At: at, Gauges: []Gauge{
		{ModelScope, s.Running, p.maxConcurrent},
		{UserScope, s.UserRunning, p.maxPerUser},
	}}
	for i := range p.rules {
		r := p.rules[i]
		a := s.Accounts[r.Scope]
		at := a.Standing(r.Meter, r.Window)
		v.Windows = append(v.Windows, NewWindowView(r, at.Used, a.Held().Of(r.Meter), at.Reset))
	}
	return v
}
