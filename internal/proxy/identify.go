package proxy

import (
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// identify finds out who sent the request, and whether that one may use models at the endpoint.
func (x *exchange) identify() error {
	var err error
	x.principal, err = x.h.Gate.Identify(x.ctx, x.r.Header)
	switch {
	case err != nil:
		return err
	case !x.principal.MayIn(identity.ModelsUse, x.principal.Tenant):
		return failure.Permission("this credential may call no model, for it lacks the permission "+
			"%s: use another one, or give it the role %s", identity.ModelsUse, identity.User)
	case !x.principal.Reach.AllowsEndpoint(x.endpoint):
		return failure.Permission("this credential may not be used for %s, for its endpoints "+
			"are restricted to %s", x.endpoint, strings.Join(x.principal.Reach.Endpoints(), ", "))
	}
	return nil
}

// mayUse returns nil where the principal may use the model with this public name, which the
// request calls so or by an alias.
func (x *exchange) mayUse(name string) error {
	if x.principal.Reach.AllowsModel(name) {
		return nil
	}
	return failure.Permission("this credential may not use the model %s, or there is none of "+
		"that name: GET /v1/models lists those that it may use", failure.Quoted(x.request.Model))
}
