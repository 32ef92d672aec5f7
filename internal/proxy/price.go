package proxy

import (
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// price estimates what the request will cost, and finds out whether the limits
// could ever admit it.
func (x *exchange) price() error {
	x.estimate = x.model.Pricer.Price(x.principal.User, &x.request)
	if x.model.ExactInput {
		x.countInput()
	}
	charge, err := x.model.Policy.Fit(limit.Price(x.estimate))
	if err != nil {
		return misfit(err)
	}
	x.charge = charge
	return nil
}

// misfit returns the answer to a request that can never be admitted.
func misfit(err error) error {
	var m *limit.MisfitError
	if !errors.As(err, &m) {
		return err
	}
	if m.Blocked() {
		return openai.PermissionDenied("%v: ask the operator for a limit above it", m)
	}
	return openai.RequestExceedsLimit(m.Need, limitOf(&m.Rule))
}
