package proxy

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// identify finds out who sent the request, and whether that one may use models.
func (x *exchange) identify() error {
	var err error
	x.principal, err = x.h.Gate.Identify(x.ctx, x.r.Header)
	if err == nil && !x.principal.Is(identity.User) {
		return failure.Permission("this credential may look at everything and call no model, " +
			"for it lacks the role user: use another one, " +
			"or add user to its roles in auth.api-keys")
	}
	return err
}
