package main

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

type bootstrapCommand struct {
	writeFlags
	secretFlags
	User string `default:"admin" placeholder:"NAME" help:"${bootstrap_user}"`
	Name string `default:"bootstrap" placeholder:"NAME" help:"${bootstrap_name}"`
}

// Run creates a key with the role admin in the control database. The secret alone goes to
// standard output, or into a file.
func (c *bootstrapCommand) Run() error {
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		return c.deliver(func(h registry.Hash) (registry.Key, error) {
			return d.Create(ctx, registry.Key{
				Name: c.Name, User: c.User, Roles: []identity.Role{identity.Admin},
				Secrets: []registry.Secret{{Hash: h}},
			}, c.write())
		})
	})
}
