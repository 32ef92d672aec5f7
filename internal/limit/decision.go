package limit

import (
	"cmp"
	"slices"
	"time"
)

// Violation is a rule that a reservation would have broken.
type Violation struct {
	Rule Rule
	Used int64 // the sum of the window
	// Wait is the time until the price fits, if nothing else is charged. It
	// is exact: one slot earlier, it does not fit.
	Wait time.Duration
}

// Gauge is how many requests are running, and may.
type Gauge struct {
	Scope   Scope
	Running int64
	Max     int64 // Unlimited for none
}

// ConcurrentRequests names what a gauge counts, where meters are named.
const ConcurrentRequests = "concurrent_requests"

// Name returns what people know the gauge by, such as "model concurrent_requests".
func (g *Gauge) Name() string { return g.Scope.String() + " " + ConcurrentRequests }

// Standing is where an account stands under one rule.
type Standing struct {
	Used  int64         // the sum of the window
	Reset time.Duration // until the window is empty if nothing more is charged
}

// Remaining returns what the rule still admits, never below 0.
func (s Standing) Remaining(r *Rule) int64 { return max(0, r.Admissible-s.Used) }

// Decision is the answer to a reservation. The zero value is ready for use;
// a store overwrites it, and reuses its slices.
type Decision struct {
	Admitted bool
	// Violations holds every rule that was in the way, the longest wait
	// first. Empty when admitted.
	Violations []Violation
	// Full holds every limit of concurrent requests that was reached. Empty
	// when admitted.
	Full []Gauge
	// Standings has one entry per rule of the policy, in their order, after
	// the reservation.
	Standings []Standing
	// At is the store's time of the decision.
	At Instant
}

// Reset makes d empty, keeping its slices.
func (d *Decision) Reset(at Instant) {
	d.Admitted, d.At = false, at
	d.Violations, d.Full, d.Standings = d.Violations[:0], d.Full[:0], d.Standings[:0]
}

// Sort orders the violations, the longest wait first.
func (d *Decision) Sort() {
	longer := func(a, b Violation) int { return cmp.Compare(b.Wait, a.Wait) }
	slices.SortStableFunc(d.Violations, longer)
}

// Accounts is the accounts that one decision concerns, by scope. One that was
// never charged is nil.
type Accounts [scopes]*Account

// Subjects is what one decision looks at and changes: the accounts of the
// user and of the model, and the requests that are running. Check and View read
// a nil account as empty; Charge, TopUp and Settle need every account that the
// policy has a layout for. Advance must precede them, except a Settle of what
// does not exceed its grant.
type Subjects struct {
	Accounts    Accounts
	Running     int64 // of the model
	UserRunning int64 // of the user
}

// Advance moves the accounts to the store's time now.
func (s *Subjects) Advance(now Instant) {
	for _, a := range s.Accounts {
		if a != nil {
			a.Advance(now)
		}
	}
}

// Check decides whether need fits under every rule of p and writes the answer
// to d. It changes nothing else.
func (s *Subjects) Check(p *Policy, need Amount, at Instant, d *Decision) {
	d.Reset(at)
	if p.maxConcurrent >= 0 && s.Running >= p.maxConcurrent {
		d.Full = append(d.Full, Gauge{ModelScope, s.Running, p.maxConcurrent})
	}
	if p.maxPerUser >= 0 && s.UserRunning >= p.maxPerUser {
		d.Full = append(d.Full, Gauge{UserScope, s.UserRunning, p.maxPerUser})
	}
	rules := p.Rules()
	for i := range rules {
		r := &rules[i]
		a := s.Accounts[r.Scope]
		sum := a.Sum(r.Meter, r.Window)
		if excess := sum + need.Of(r.Meter) - r.Admissible; excess > 0 {
			wait := a.Wait(r.Meter, r.Window, excess)
			d.Violations = append(d.Violations, Violation{*r, sum, wait})
		}
	}
	if d.Admitted = len(d.Full)+len(d.Violations) == 0; !d.Admitted {
		d.Sort()
	}
}

// Stand writes the standing under every rule of p to d.
func (s *Subjects) Stand(p *Policy, d *Decision) {
	rules := p.Rules()
	d.Standings = slices.Grow(d.Standings[:0], len(rules))[:len(rules)]
	for i := range rules {
		r := &rules[i]
		d.Standings[i] = s.Accounts[r.Scope].Standing(r.Meter, r.Window)
	}
}

// Covers reports whether every account that p needs is there, with all its rings.
func (s *Subjects) Covers(p *Policy) bool {
	for scope, l := range p.layouts {
		if a := s.Accounts[scope]; l != nil && (a == nil || a.layout != l && !a.layout.covers(l)) {
			return false
		}
	}
	return true
}

// Charge charges need to every account, for a reservation that Check has
// admitted, and notes it in g.
func (s *Subjects) Charge(need Amount, g *Grant) { g.append(s.charge(need)) }

// charge charges need to every account.
func (s *Subjects) charge(need Amount) Charge {
	c := Charge{Amount: need}
	for scope, a := range s.Accounts {
		if a != nil {
			c.At[scope] = a.Charge(need)
			a.held = a.held.Plus(need)
		}
	}
	return c
}

// TopUp charges more for the running request of g where its limits have room
// for it within the bound. Otherwise it charges nothing.
func (s *Subjects) TopUp(p *Policy, g *Grant, more Amount, b Bound) TopUp {
	var t TopUp
	rules := p.Rules()
	for i := range rules {
		r := &rules[i]
		sum := s.Accounts[r.Scope].Sum(r.Meter, r.Window)
		need := more.Of(r.Meter)
		if need == 0 || sum+need <= r.Admissible {
			continue
		}
		if sum+need > r.Bound(b) {
			return TopUp{}
		}
		t.Debt = max(t.Debt, sum+need-max(sum, r.Admissible))
	}
	t.Granted = true
	c := s.charge(more)
	c.Debt = t.Debt
	g.note(c, &s.Accounts)
	return t
}

// Settle replaces what g has charged by what was used, on every account: what
// was charged too much goes back, the newest charge first, into the slots that
// were charged; what was charged too little goes to the current slot. A ring
// gives back nothing of charges that are older than it is.
func (s *Subjects) Settle(g *Grant, used Amount) {
	delta := used.Minus(g.Granted())
	for scope, a := range s.Accounts {
		if a == nil {
			continue
		}
		if held, charged := g.charged(scope); charged { // else the account is younger
			a.held = a.held.Minus(held)
			a.settle(scope, g.Charges, delta)
		}
	}
}

// settle corrects every ring by delta.
func (a *Account) settle(scope int, charges []Charge, delta Amount) {
	if a.isCurrent(charges[0].At[scope]) { // and so are those after it
		a.correct(delta)
		return
	}
	for i := range a.rings {
		r, meter := &a.rings[i], a.layout.rings[i].meter
		v := delta.Of(meter)
		if v >= 0 {
			r.current += v
			r.sum += v
			continue
		}
		for n := len(charges) - 1; n >= 0 && v < 0; n-- {
			back := min(-v, charges[n].Amount.Of(meter))
			a.refund(i, charges[n].At[scope], back)
			v += back
		}
	}
}
