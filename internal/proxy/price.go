package proxy

import (
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// price estimates what the request will cost, and finds out whether the limits
// could ever admit it. Where the configuration wants the exact input, or where the
// estimate of it is all that is in the way, the model server is asked.
func (x *exchange) price() error {
	x.estimate = x.model.Pricer.Price(x.principal.User, &x.request)
	x.inputMin = x.estimate.InputFloor
	charge, err := x.model.Policy.Fit(x.priced())
	if x.wantsCount(err) && x.countable() {
		charge, err = x.ask(charge, err)
	}
	if err != nil {
		return x.misfit(err)
	}
	x.charge = charge
	return nil
}

// wantsCount reports whether the input should be counted, given what Fit has said of
// its estimate. Where nothing is limited nobody needs to know before the answer tells.
func (x *exchange) wantsCount(misfit error) bool {
	var m *limit.MisfitError
	return misfit == nil && x.model.ExactInput && x.model.Policy.Limits() || errors.As(misfit, &m) && m.Estimated
}

// priced returns the estimate as what the limits are asked to admit.
func (x *exchange) priced() limit.Price {
	p := limit.Price{Input: x.estimate.Input, InputFloor: x.estimate.InputFloor, Output: x.estimate.Output}
	if x.bounded() {
		p.OutputFloor = usage.OutputFloor(&x.request)
	}
	return p
}

// misfit returns the answer to a request that can never be admitted; err itself where it
// is about something else.
func (x *exchange) misfit(err error) error {
	var m *limit.MisfitError
	if !errors.As(err, &m) {
		return err
	}
	x.binding = concurrentRequests
	if !m.Concurrency {
		x.binding = nameOf(&m.Rule)
	}
	x.explainDecision(neverFits, limit.Amount{})
	if m.Blocked() {
		return openai.PermissionDenied("%v: ask the operator for a limit above it", m)
	}
	exceeded := limitOf(&m.Rule)
	if m.Estimated {
		return openai.EstimateExceedsLimit(m.Need, exceeded)
	}
	exceeded.Lower = x.insists(m.Rule.Meter)
	return openai.RequestExceedsLimit(m.Need, exceeded)
}

// insists names the request member that insists on most of the least that m can
// be charged; "" where that is the input, or no member does.
func (x *exchange) insists(m limit.Meter) string {
	p := x.priced()
	switch {
	case m != limit.OutputTokens && (m != limit.Tokens || p.OutputFloor <= p.InputFloor):
		return ""
	case x.request.MinOutput <= 1: // a token for each sequence is too much
		return multiplier(&x.request)
	case x.request.IgnoreEOS && x.request.OutputCap > 0:
		return x.request.Endpoint.OutputCap() // the answer goes on until there
	}
	return "min_tokens"
}

// multiplier names the request member that asks for the most sequences of a
// prompt; "" where none does.
func multiplier(r *openai.Request) string {
	switch {
	case r.Sequences > r.Choices:
		return "best_of"
	case r.Choices > 1:
		return "n"
	}
	return ""
}
