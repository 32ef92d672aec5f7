package limittest

import "github.com/token-rate-limiter/token-rate-limiter/internal/limit"

// reference is the arithmetic of accounts, too simple to be wrong: it forgets
// nothing, and adds everything up for every answer. It has one policy and a
// clock that never steps back.
type reference struct {
	policy  *limit.Policy
	entries map[subject][]*entry
	running map[string]int64 // of users; "" is the model's
}

type subject struct {
	scope limit.Scope
	user  string // "" in ModelScope
	meter limit.Meter
}

// entry is what is left of one charge on one meter of one subject.
type entry struct {
	at    limit.Instant
	v     int64
	grant int
	// cleared are the windows in which it was reset.
	cleared map[limit.Window]bool
}

func newReference(p *limit.Policy) *reference {
	return &reference{p, map[subject][]*entry{}, map[string]int64{}}
}

func (r *reference) subject(rule limit.Rule, user string) subject {
	if rule.Scope == limit.ModelScope {
		user = ""
	}
	return subject{rule.Scope, user, rule.Meter}
}

// sum adds up what counts now under rule: everything whose slot is the current
// one or one of the B before it.
func (r *reference) sum(rule limit.Rule, user string, now limit.Instant) (sum int64) {
	width := limit.Instant(rule.Window.SlotWidth().Milliseconds())
	oldest := now/width - limit.Instant(rule.Window.Slots())
	for _, e := range r.entries[r.subject(rule, user)] {
		if e.at/width >= oldest && !e.cleared[rule.Window] {
			sum += e.v
		}
	}
	return sum
}

// admits reports whether need fits under every rule and gauge.
func (r *reference) admits(user string, need limit.Amount, now limit.Instant) bool {
	if m := r.policy.MaxConcurrent(); m >= 0 && r.running[""] >= m {
		return false
	}
	if m := r.policy.MaxConcurrentPerUser(); m >= 0 && r.running["u "+user] >= m {
		return false
	}
	for _, rule := range r.policy.Rules() {
		if r.sum(rule, user, now)+need.Of(rule.Meter) > rule.Admissible {
			return false
		}
	}
	return true
}

// wait returns the time until need would fit, found by trying every
// millisecond at which a slot begins.
func (r *reference) wait(user string, need limit.Amount, now limit.Instant) limit.Instant {
	for at := now; ; at = (at/1000 + 1) * 1000 {
		fits := true
		for _, rule := range r.policy.Rules() {
			fits = fits && r.sum(rule, user, at)+need.Of(rule.Meter) <= rule.Admissible
		}
		if fits {
			return at - now
		}
	}
}

// topUp returns the answer to a top-up.
func (r *reference) topUp(user string, more limit.Amount, now limit.Instant, b limit.Bound,
) limit.TopUp {
	answer := limit.TopUp{Granted: true}
	for _, rule := range r.policy.Rules() {
		sum, need := r.sum(rule, user, now), more.Of(rule.Meter)
		if need == 0 {
			continue
		}
		if sum+need > rule.Admissible && (b == limit.WithinLimits || sum+need > rule.Ceiling) {
			return limit.TopUp{}
		}
		debt := max(0, sum+need-rule.Admissible) - max(0, sum-rule.Admissible)
		answer.Debt = max(answer.Debt, debt)
	}
	return answer
}

func (r *reference) charge(grant int, user string, a limit.Amount, now limit.Instant) {
	for s := range r.subjects(user) {
		r.entries[s] = append(r.entries[s], &entry{at: now, v: a.Of(s.meter), grant: grant})
	}
}

func (r *reference) settle(grant int, user string, delta limit.Amount, now limit.Instant) {
	for s := range r.subjects(user) {
		d := delta.Of(s.meter)
		if d > 0 {
			r.entries[s] = append(r.entries[s], &entry{at: now, v: d, grant: grant})
		}
		for i := len(r.entries[s]) - 1; i >= 0 && d < 0; i-- {
			if e := r.entries[s][i]; e.grant == grant {
				back := min(-d, e.v)
				e.v -= back
				d += back
			}
		}
	}
}

// subjects returns every subject that a charge of user changes, once.
func (r *reference) subjects(user string) map[subject]bool {
	set := map[subject]bool{}
	for _, rule := range r.policy.Rules() {
		set[r.subject(rule, user)] = true
	}
	return set
}

func (r *reference) run(user string, n int64) {
	r.running[""] += n
	r.running["u "+user] += n
}

// reset forgets what counts of a user in the windows.
func (r *reference) reset(user string, windows []limit.Window) {
	for s, entries := range r.entries {
		if s.scope != limit.UserScope || s.user != user {
			continue
		}
		for _, e := range entries {
			if e.cleared == nil {
				e.cleared = map[limit.Window]bool{}
			}
			for _, w := range windows {
				e.cleared[w] = true
			}
		}
	}
}
