package registrar

import (
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// mayGive returns nil where the sender of a request may give somebody a key that may what k may.
// It is asked for what a key is to be, and for what it has been. It fails with a problem of
// status 403.
func (c *call) mayGive(k *registry.Key) error {
	err := c.by.MayGive(identity.Mandate{Roles: k.Roles, ActAs: k.ActAs, Reach: k.Reach()})
	beyond, isBeyond := errors.AsType[*identity.BeyondError](err)
	if !isBeyond {
		return err
	}
	p := problem("permission_denied",
		"nobody gives more than he has: %v", beyond)
	p.Faults = []reply.Fault{{Pointer: "#/" + beyond.Part, Detail: beyond.Problem}}
	return p
}
