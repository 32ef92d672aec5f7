package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

type keyCommand struct {
	Create   keyCreateCommand   `cmd:"" help:"${key_create}"`
	List     keyListCommand     `cmd:"" help:"${key_list}"`
	Rotate   keyRotateCommand   `cmd:"" help:"${key_rotate}"`
	Revoke   keyRevokeCommand   `cmd:"" help:"${key_revoke}"`
	Hash     keyHashCommand     `cmd:"" help:"${key_hash}"`
	Identify keyIdentifyCommand `cmd:"" help:"${key_identify}"`
}

type keyCreateCommand struct {
	writeFlags
	secretFlags
	Tenant   string          `default:"default" placeholder:"NAME" help:"Tenant of the user."`
	User     string          `required:"" placeholder:"NAME" help:"Whose accounts it charges."`
	Name     string          `required:"" placeholder:"TEXT" help:"What it is for, for people."`
	Role     []identity.Role `default:"user" placeholder:"ROLE" help:"${roles}"`
	ActAs    bool            `help:"Let X-User-ID name another user."`
	Model    []string        `placeholder:"MODEL" help:"${key_models}"`
	Endpoint []string        `placeholder:"ENDPOINT" help:"${key_endpoints}"`
	Hash     string          `placeholder:"HASH" help:"${key_of_hash}"`
	Expires  time.Duration   `default:"0s" placeholder:"TIME" help:"${expires}"`
}

// Run creates a key.
func (c *keyCreateCommand) Run() error {
	k := registry.Key{
		Name: c.Name, User: c.User, Roles: c.Role, ActAs: c.ActAs,
		Models: c.Model, Endpoints: c.Endpoint, Tenant: identity.TenantInside(c.Tenant),
	}
	if c.Expires < 0 {
		return fmt.Errorf("--expires is %v: write a time to come, or 0s for never", c.Expires)
	}
	if c.Expires > 0 {
		k.Expires = time.Now().Add(c.Expires)
	}
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		keep := func(h registry.Hash) (registry.Key, error) {
			k.Secrets = []registry.Secret{{Hash: h}}
			return d.Create(ctx, k, c.write())
		}
		if c.Hash != "" {
			return c.known(keep)
		}
		return c.deliver(keep)
	})
}

// known creates a key whose secret somebody else has made and keeps: its hash alone was sent.
func (c *keyCreateCommand) known(
	keep func(registry.Hash) (registry.Key, error),
) (revision int64, err error) {
	if c.SecretFile != "" {
		return 0, errors.New("--secret-file has nothing to keep where --hash is given")
	}
	h, err := identity.ParseHash(c.Hash)
	if err != nil {
		return 0, fmt.Errorf("--hash: %w", err)
	}
	k, err := keep(h)
	if err == nil {
		fmt.Fprintf(os.Stderr, "the key %s of %q is good from now on\n", k.ID, k.User)
	}
	return k.Revision, err
}

type keyListCommand struct {
	registryFlags
	outputFlags
	Tenant string         `placeholder:"NAME" help:"Only keys of this tenant."`
	User   string         `placeholder:"NAME" help:"${of_user}"`
	State  registry.State `default:"" enum:",active,expired,revoked" help:"${of_state}"`
}

// query returns which keys are asked for, a page at a time.
func (c *keyListCommand) query() registry.Query {
	return registry.Query{Tenant: c.Tenant, User: c.User, State: c.State, Limit: listPage}
}

// Run prints the keys of the control database, without their secrets.
func (c *keyListCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		keys := []registry.Key{}
		for q := c.query(); ; {
			p, err := d.Keys(ctx, q)
			if err != nil {
				return err
			}
			if keys = append(keys, p.Keys...); p.Next == "" {
				break
			}
			q.After = p.Next
		}
		now := time.Now()
		if !c.isTable() {
			shown := make([]registrar.Key, len(keys))
			for i := range keys {
				shown[i] = registrar.NewKey(&keys[i], now)
			}
			return c.print(shown)
		}
		t := newTable()
		fmt.Fprintln(t, "ID\tTENANT\tUSER\tROLES\tSTATE\tLAST USED\tSECRETS\tNAME")
		for i := range keys {
			k := &keys[i]
			fmt.Fprintf(t, "%s\t%q\t%q\t%s\t%s\t%s\t%d\t%q\n", k.ID,
				identity.TenantOutside(k.Tenant), k.User, k.Roles, k.StateAt(now),
				lastUsed(k), len(k.Secrets), k.Name)
		}
		return t.Flush()
	})
}

// lastUsed returns when the key was last used, as people read it.
func lastUsed(k *registry.Key) string {
	if k.Used.IsZero() {
		return "never"
	}
	return k.Used.Format(time.RFC3339)
}

type keyRotateCommand struct {
	writeFlags
	secretFlags
	ID      string        `arg:"" help:"${key_id}"`
	Overlap time.Duration `default:"0s" placeholder:"TIME" help:"${overlap}"`
}

// Run gives a key a new secret.
func (c *keyRotateCommand) Run() error {
	if c.Overlap < 0 {
		return fmt.Errorf("--overlap is %v: write 0s or more", c.Overlap)
	}
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		return c.deliver(func(h registry.Hash) (registry.Key, error) {
			k, err := d.Update(ctx, c.ID, c.write(), registry.ActionRotate,
				func(k *registry.Key, now time.Time) error {
					return k.Rotate(h, c.Overlap, now)
				})
			return k, keyError(c.ID, err)
		})
	})
}

type keyRevokeCommand struct {
	writeFlags
	ID string `arg:"" help:"${key_id}"`
}

// Run ends a key. One that is revoked stays as it was.
func (c *keyRevokeCommand) Run() error {
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		k, err := d.Update(ctx, c.ID, c.write(), registry.ActionRevoke,
			(*registry.Key).Revoke)
		if err != nil {
			return 0, keyError(c.ID, err)
		}
		fmt.Fprintf(os.Stderr, "the key %s of %q is revoked\n", k.ID, k.User)
		return k.Revision, nil
	})
}

// keyError returns err with the id of the key that it is about.
func keyError(id string, err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("there is no key with the id %q; key list tells them", id)
	}
	return err
}
