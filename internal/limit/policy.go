package limit

import (
	"cmp"
	"fmt"
	"slices"
)

// Unlimited is the maximum of what has no limit.
const Unlimited int64 = -1

// MaximumMax is the largest maximum: counters are Lua numbers in Redis, exact
// below 2^53, and a window may hold a maximum and its debt.
const MaximumMax = int64(1) << 51

// NameBytesMax is the longest name of a user, a model or an API key, in bytes.
const NameBytesMax = 256

// Scope tells whom a limit applies to.
type Scope uint8

// The scopes.
const (
	UserScope  Scope = iota // each user on the model
	ModelScope              // the model over all its users
	scopes     = iota
)

// String returns the name used in metrics and error bodies.
func (s Scope) String() string {
	if s == UserScope {
		return "user"
	}
	return "model"
}

// Limit is a maximum of a meter in a window. A maximum of 0 blocks.
type Limit struct {
	Meter  Meter
	Window Window
	Max    int64 // >= 0; Unlimited in a rule that only counts
}

// counts is what is counted of a user whom no window limits, so that what was used
// can be told all the same.
var counts = []Limit{
	{Tokens, Minute, Unlimited}, {Tokens, Hour, Unlimited}, {Tokens, Day, Unlimited},
	{Requests, Day, Unlimited},
}

// Rule is a limit as a policy applies it.
type Rule struct {
	Limit
	Scope Scope
	// Admissible is the maximum that decisions compare with: Max less what is
	// kept back.
	Admissible int64
	// Ceiling is how far top-ups may take the sum: Admissible, and the debt
	// that is allowed beyond it.
	Ceiling int64
}

// Name returns what people know the rule by, such as "user tokens per minute".
func (r *Rule) Name() string {
	return r.Scope.String() + " " + r.Meter.String() + " per " + r.Window.String()
}

// Overrun says what happens to a running request that needs more than its
// limits have room for. The zero value is Debt.
type Overrun uint8

// The overrun policies.
const (
	// Debt lets it go on: the excess is charged, and nothing is admitted until it has slid out.
	Debt Overrun = iota
	// Stop ends it, as if it had reached its own maximum of tokens.
	Stop
)

// stopHeadroom is the part of a limit, a hundredth, that is kept back under Stop, for
// what running requests generate between the last count and their end.
const stopHeadroom = 100

// PolicyOptions is what NewPolicy compiles.
type PolicyOptions struct {
	Model string  // the name whose accounts are charged; never empty
	User  []Limit // of each user on the model
	Total []Limit // of the model over all its users

	MaxConcurrent        int64 // running requests of the model; Unlimited for none
	MaxConcurrentPerUser int64 // running requests of each user; Unlimited for none

	Overrun Overrun
	MaxDebt float64 // times the limit; 0 to 100, only for Debt
}

// Policy is all that limits one model, compiled. It is immutable and safe for
// concurrent use; a change of limits makes a new one, and accounts outlive it.
type Policy struct {
	model         string
	rules         []Rule // user rules first; in each scope by meter, then window: see Counted
	counting      int    // how many of them only count: the first ones
	layouts       [scopes]*Layout
	maxConcurrent int64
	maxPerUser    int64
	overrun       Overrun
}

// NewPolicy compiles o. It fails where the model has no name, MaxDebt is out of range, the
// maximum of a window is negative or above MaximumMax, or one meter and window is limited
// twice in one scope.
func NewPolicy(o PolicyOptions) (*Policy, error) {
	if o.Model == "" {
		return nil, fmt.Errorf("policy: the model has no name")
	}
	if !(o.MaxDebt >= 0 && o.MaxDebt <= 100) { // NaN is neither
		return nil, fmt.Errorf("policy of %s: max-debt is %v, and must be from 0 to 100",
			o.Model, o.MaxDebt)
	}
	p := &Policy{
		model:         o.Model,
		maxConcurrent: max(o.MaxConcurrent, Unlimited),
		maxPerUser:    max(o.MaxConcurrentPerUser, Unlimited),
		overrun:       o.Overrun,
	}
	if len(o.User) == 0 {
		p.count()
	}
	if err := cmp.Or(p.add(UserScope, o.User, o), p.add(ModelScope, o.Total, o)); err != nil {
		return nil, err
	}
	return p, nil
}

// count has what a user uses counted, and no more.
func (p *Policy) count() {
	for _, l := range counts {
		p.rules = append(p.rules, Rule{Limit: l, Admissible: MaximumMax, Ceiling: MaximumMax})
	}
	p.layouts[UserScope], p.counting = newLayout(counts), len(counts)
}

// add compiles the limits of one scope.
func (p *Policy) add(scope Scope, limits []Limit, o PolicyOptions) error {
	if len(limits) == 0 {
		return nil
	}
	limits = slices.Clone(limits)
	slices.SortFunc(limits, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Window, b.Window))
	})
	for i, l := range limits {
		name := l.Meter.String() + " per " + l.Window.String()
		if l.Max < 0 || l.Max > MaximumMax {
			return fmt.Errorf("policy of %s: the maximum of %s is %d, and must be from 0 to %d",
				o.Model, name, l.Max, MaximumMax)
		}
		if i > 0 && limits[i-1].Meter == l.Meter && limits[i-1].Window == l.Window {
			return fmt.Errorf("policy of %s: %s is limited twice", o.Model, name)
		}
		p.rules = append(p.rules, newRule(scope, l, o))
	}
	p.layouts[scope] = newLayout(limits)
	return nil
}

func newRule(scope Scope, l Limit, o PolicyOptions) Rule {
	r := Rule{Limit: l, Scope: scope, Admissible: l.Max}
	// A request is charged whole when it is admitted, and never overruns.
	if o.Overrun == Stop && l.Meter != Requests {
		r.Admissible -= (l.Max + stopHeadroom - 1) / stopHeadroom
	}
	r.Ceiling = r.Admissible
	if o.Overrun == Debt {
		r.Ceiling += int64(float64(l.Max) * o.MaxDebt)
	}
	return r
}

// Model returns the name whose accounts are charged.
func (p *Policy) Model() string { return p.model }

// Rules returns the limits that apply, those of the user first. They must not be changed.
func (p *Policy) Rules() []Rule { return p.rules[p.counting:] }

// Counted returns what is counted: the limits in the order of Rules, and before them, where
// no window limits users, what is counted of a user all the same. It must not be changed.
func (p *Policy) Counted() []Rule { return p.rules }

// OnlyCounts reports whether no window limits users, so that what their accounts have
// is in nobody's way.
func (p *Policy) OnlyCounts() bool { return p.counting > 0 }

// Limits reports whether anything is limited at all.
func (p *Policy) Limits() bool {
	return len(p.Rules()) > 0 || p.maxConcurrent >= 0 || p.maxPerUser >= 0
}

// LimitsTokens reports whether any limit counts tokens.
func (p *Policy) LimitsTokens() bool {
	return slices.ContainsFunc(p.Rules(), func(r Rule) bool { return r.Meter != Requests })
}

// Layout returns the rings that an account of the scope needs, or nil where
// the scope has none; that of users always has some.
func (p *Policy) Layout(s Scope) *Layout { return p.layouts[s] }

// MaxConcurrent returns how many requests of the model may run at once, or
// Unlimited.
func (p *Policy) MaxConcurrent() int64 { return p.maxConcurrent }

// MaxConcurrentPerUser returns how many requests of one user may run at once,
// or Unlimited.
func (p *Policy) MaxConcurrentPerUser() int64 { return p.maxPerUser }

// Overrun returns what happens to a running request that needs more than its
// limits have room for.
func (p *Policy) Overrun() Overrun { return p.overrun }
