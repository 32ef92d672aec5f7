package limit

import "fmt"

// Price is the estimate made of a request before it is sent, in tokens.
type Price struct {
	Input      int64 // what is charged for the input
	InputFloor int64 // what the input is at least; <= Input
	Output     int64 // what is charged for the output
	// OutputFloor is what the output is at least, where an answer must not be
	// longer than what is charged for it; 0 where it may be. More than Output,
	// it is charged instead.
	OutputFloor int64
}

// MisfitError says that a request can never be admitted under a rule,
// however long it waits.
type MisfitError struct {
	// Rule is the rule; not set where no request may run at all.
	Rule Rule
	// Concurrency tells that the limit of concurrent requests is 0.
	Concurrency bool
	// Need is what the request needs at least, of the rule's meter. It is not
	// set for a blocking rule, whose maximum is 0.
	Need int64
	// Estimated tells that Need is what the input is estimated at: the least
	// that it can be is admitted. Whoever can count it may find that it fits.
	Estimated bool
}

// Blocked reports whether nothing is admitted at all, because a maximum is 0.
func (e *MisfitError) Blocked() bool { return e.Rule.Max == 0 }

// Error names the limit, and what the request needs of it.
func (e *MisfitError) Error() string {
	if e.Concurrency {
		return "the limit of concurrent requests is 0"
	}
	if e.Blocked() {
		return fmt.Sprintf("the limit of %s per %s is 0", e.Rule.Meter, e.Rule.Window)
	}
	needs := "needs at least"
	if e.Estimated {
		needs = "is estimated at"
	}
	return fmt.Sprintf("the request %s %d %s, and at most %d per %s are ever admitted",
		needs, e.Need, e.Rule.Meter, e.Rule.Admissible, e.Rule.Window)
}

// Fit returns what to charge for a price: the price itself, or what an empty
// account could admit of it, where only the estimate of the output exceeds an
// admissible maximum, so that small limits work. What is charged for the output
// is never below its floor, and the input is charged whole: it is spent as soon
// as the request is sent. Fit fails with a *MisfitError where a limit is 0, where
// the least that the request can be exceeds an admissible maximum and, else, where
// its estimated input does. The amount counts one request.
func (p *Policy) Fit(price Price) (Amount, error) {
	a := Amount{Input: price.Input, Output: max(price.Output, price.OutputFloor), Requests: 1}
	if p.maxConcurrent == 0 || p.maxPerUser == 0 {
		return Amount{}, &MisfitError{Concurrency: true}
	}
	rules := p.Rules()
	for i := range rules {
		if err := rules[i].admits(price); err != nil {
			return Amount{}, err
		}
	}
	estimated := Price{InputFloor: price.Input, OutputFloor: price.OutputFloor}
	for i := range rules {
		r := &rules[i]
		if err := r.admits(estimated); err != nil {
			err.Estimated = true
			return Amount{}, err
		}
		r.clamp(&a)
	}
	return a, nil
}

// admits returns what keeps an empty account from admitting the least of a price, nil
// where nothing does.
func (r *Rule) admits(price Price) *MisfitError {
	if r.Max == 0 {
		return &MisfitError{Rule: *r}
	}
	least := Amount{Input: price.InputFloor, Output: price.OutputFloor, Requests: 1}.Of(r.Meter)
	if least > r.Admissible {
		return &MisfitError{Rule: *r, Need: least}
	}
	return nil
}

// clamp lowers the output of a to what r could admit of it with an empty account.
func (r *Rule) clamp(a *Amount) {
	switch r.Meter {
	case Tokens:
		a.Output = min(a.Output, r.Admissible-a.Input)
	case OutputTokens:
		a.Output = min(a.Output, r.Admissible)
	}
}
