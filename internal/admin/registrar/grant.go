package registrar

import (
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// mayEnd returns nil where the sender of a request may revoke k: only who may give its roles, so
// that nobody locks out those above him. What k reaches does not matter.
func (c *call) mayEnd(k *registry.Key, roles *identity.Census) error {
	return c.give(identity.Mandate{Tenant: k.Tenant, Roles: k.Roles, Reach: c.by.Reach}, roles)
}

// mayGive returns nil where the sender of a request may give somebody a key that may what k may.
// It is asked for what a key is to be, and for what it has been. It fails with a problem of
// status 403.
func (c *call) mayGive(k *registry.Key, roles *identity.Census) error {
	return c.give(identity.Mandate{
		Tenant: k.Tenant, Roles: k.Roles, ActAs: k.ActAs, Reach: k.Reach(),
	}, roles)
}

// ifKnown returns may for keys that there are: one that the sender of a request may not know of is
// registry.ErrNotFound.
func (c *call) ifKnown(
	may func(*registry.Key, *identity.Census) error,
) func(*registry.Key, *identity.Census) error {
	return func(k *registry.Key, roles *identity.Census) error {
		if !c.knowsKey(k) {
			return registry.ErrNotFound
		}
		return may(k, roles)
	}
}

// give returns nil where the sender of a request may give the mandate, with the custom
// roles as they are at the moment of the change.
func (c *call) give(m identity.Mandate, roles *identity.Census) error {
	err := c.by.MayGive(m, roles)
	beyond, isBeyond := errors.AsType[*identity.BeyondError](err)
	if !isBeyond {
		return err
	}
	p := problem("permission_denied",
		"you cannot give more than you have: %v", beyond)
	p.Faults = []reply.Fault{{Pointer: "#/" + beyond.Part, Detail: beyond.Problem}}
	return p
}
