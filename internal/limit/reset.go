package limit

import "slices"

// Reset is what is to be set to zero of an account.
type Reset struct {
	// ID tells the reset from others, in letters and digits; it is never empty.
	ID string
	// Windows are those that are reset, with all that is counted in them; none: all.
	Windows []Window
}

// covers reports whether r resets a window.
func (r *Reset) covers(w Window) bool {
	return len(r.Windows) == 0 || slices.Contains(r.Windows, w)
}

// Cleared is what a reset has set to zero.
type Cleared struct {
	At Instant // the store's time
	// Repeated tells that the reset had been made before, and nothing was changed now.
	Repeated bool
	// Sums are what counted, of the rules of the policy on users that the reset is about, in
	// their order. Nil: nothing did.
	Sums []ClearedSum
}

// ClearedSum is what counted under a rule.
type ClearedSum struct {
	Rule Rule
	Sum  int64 // of requests that have ended, and that run
}

// Rules returns the rules of p on users that r is about.
func (r *Reset) Rules(p *Policy) (rules []Rule) {
	for _, rule := range p.Counted() {
		if rule.Scope == UserScope && r.covers(rule.Window) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// Reset sets the rings that r is about to zero. They count from the account's time on: what was
// charged up to now is not in them any more, so that nothing of it is given back later.
func (a *Account) Reset(r Reset) {
	for i := range a.rings {
		shape, ring := &a.layout.rings[i], &a.rings[i]
		if !r.covers(shape.window) {
			continue
		}
		for index := shape.offset; index < shape.offset+int(shape.slots); index++ {
			a.put(index, 0)
		}
		ring.current, ring.sum, ring.since = 0, 0, a.last
		a.young = a.last
	}
}
