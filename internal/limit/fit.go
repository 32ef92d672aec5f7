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
}

// Blocked reports whether nothing is admitted at all, because a maximum is 0.
func (e *MisfitError) Blocked() bool { return e.Rule.Max == 0 }

func (e *MisfitError) Error() string {
	if e.Concurrency {
		return "the limit of concurrent requests is 0"
	}
	if e.Blocked() {
		return fmt.Sprintf("the limit of %s per %s is 0", e.Rule.Meter, e.Rule.Window)
	}
	return fmt.Sprintf("the request needs at least %d %s, and at most %d per %s are ever admitted",
		e.Need, e.Rule.Meter, e.Rule.Admissible, e.Rule.Window)
}

// Fit returns what to charge for a price: the price itself, or what an empty
// account could admit of it, where only the estimate of the output (or the
// doubtful part of the input's) exceeds an admissible maximum, so that small
// limits work. What is charged for the output is never below its floor. Fit
// fails with a *MisfitError where a limit is 0, or where the least that the
// request can be exceeds an admissible maximum. The amount counts one request.
func (p *Policy) Fit(price Price) (Amount, error) {
	a := Amount{Input: price.Input, Output: max(price.Output, price.OutputFloor), Requests: 1}
	if p.maxConcurrent == 0 || p.maxPerUser == 0 {
		return Amount{}, &MisfitError{Concurrency: true}
	}
	for i := range p.rules {
		if err := p.rules[i].clamp(&a, price); err != nil {
			return Amount{}, err
		}
	}
	return a, nil
}

// clamp lowers a to what r could admit with an empty account.
func (r *Rule) clamp(a *Amount, price Price) error {
	if r.Max == 0 {
		return &MisfitError{Rule: *r}
	}
	room := r.Admissible
	switch r.Meter {
	case Tokens:
		if least := price.InputFloor + price.OutputFloor; least > room {
			return &MisfitError{Rule: *r, Need: least}
		}
		a.Input = min(a.Input, room-price.OutputFloor)
		a.Output = min(a.Output, room-a.Input)
	case InputTokens:
		if price.InputFloor > room {
			return &MisfitError{Rule: *r, Need: price.InputFloor}
		}
		a.Input = min(a.Input, room)
	case OutputTokens:
		if price.OutputFloor > room {
			return &MisfitError{Rule: *r, Need: price.OutputFloor}
		}
		a.Output = min(a.Output, room)
	case Requests:
		if room < 1 {
			return &MisfitError{Rule: *r, Need: 1}
		}
	}
	return nil
}
