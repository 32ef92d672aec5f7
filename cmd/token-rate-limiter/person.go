package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

type userCommand struct {
	List    userListCommand    `cmd:"" help:"${user_list}"`
	Show    userShowCommand    `cmd:"" help:"${user_show}"`
	Disable userDisableCommand `cmd:"" help:"${user_disable}"`
	Enable  userEnableCommand  `cmd:"" help:"${user_enable}"`
	Hash    userHashCommand    `cmd:"" help:"${user_hash}"`
}

type tenantCommand struct {
	List    tenantListCommand    `cmd:"" help:"${tenant_list}"`
	Disable tenantDisableCommand `cmd:"" help:"${tenant_disable}"`
	Enable  tenantEnableCommand  `cmd:"" help:"${tenant_enable}"`
}

// namedUser is the user that a command is about.
type namedUser struct {
	Tenant string `default:"default" placeholder:"NAME" help:"Tenant of the user."`
	Name   string `arg:"" help:"Name of the user."`
}

func (u namedUser) id() registry.ObjectID { return registry.UserID(u.Tenant, u.Name) }

// namedTenant is the tenant that a command is about.
type namedTenant struct {
	Name string `arg:"" help:"Name of the tenant."`
}

func (t namedTenant) id() registry.ObjectID { return registry.TenantID(t.Name) }

type userListCommand struct {
	registryFlags
	outputFlags
	Tenant   string `default:"default" placeholder:"NAME" help:"Tenant of the users."`
	Disabled bool   `help:"Only those that are disabled."`
}

// Run prints the users of a tenant of which something is kept.
func (c *userListCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		q := registry.ObjectQuery{
			Tenant: identity.TenantInside(c.Tenant), Disabled: c.Disabled, Limit: listPage,
		}
		shown, err := everyOne(ctx, d.Users(), q, registrar.NewUser)
		if err != nil {
			return err
		}
		return printObjects(c.outputFlags, shown, "TENANT\tNAME\tDISABLED\tDESCRIPTION",
			func(u *registrar.User) string {
				return fmt.Sprintf("%q\t%q\t%t\t%q", u.Tenant, u.Name, u.Disabled, u.Description)
			})
	})
}

type userShowCommand struct {
	registryFlags
	outputFlags
	namedUser
}

// Run prints what is kept of a user.
func (c *userShowCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		u, err := d.Users().Get(ctx, c.id())
		if errors.Is(err, registry.ErrNotFound) {
			return fmt.Errorf("nothing is kept of the user %q of the tenant %q: "+
				"whoever has a credential of that name may come in", c.Name, c.Tenant)
		}
		if err != nil {
			return err
		}
		if !c.isTable() {
			return c.print(registrar.NewUser(&u))
		}
		t := newTable()
		fmt.Fprintf(t, "TENANT\t%q\nNAME\t%q\nDISABLED\t%t\nDESCRIPTION\t%q\nREVISION\t%d\n",
			c.Tenant, u.Name, u.Disabled, u.Description, u.Revision)
		return t.Flush()
	})
}

type tenantListCommand struct {
	registryFlags
	outputFlags
	Disabled bool `help:"Only those that are disabled."`
}

// Run prints the tenants of which something is kept.
func (c *tenantListCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		q := registry.ObjectQuery{Disabled: c.Disabled, Limit: listPage}
		shown, err := everyOne(ctx, d.Tenants(), q, registrar.NewTenant)
		if err != nil {
			return err
		}
		return printObjects(c.outputFlags, shown, "NAME\tDISABLED\tDESCRIPTION",
			func(t *registrar.Tenant) string {
				return fmt.Sprintf("%q\t%t\t%q", t.Name, t.Disabled, t.Description)
			})
	})
}

type userDisableCommand struct {
	writeFlags
	namedUser
}

// Run keeps a user out, whatever the credential.
func (c *userDisableCommand) Run() error {
	return able(c.writeFlags, registry.Store.Users, c.id(), userDisabled, true)
}

type userEnableCommand struct {
	writeFlags
	namedUser
}

// Run lets a user in again.
func (c *userEnableCommand) Run() error {
	return able(c.writeFlags, registry.Store.Users, c.id(), userDisabled, false)
}

type tenantDisableCommand struct {
	writeFlags
	namedTenant
}

// Run keeps everybody of a tenant out.
func (c *tenantDisableCommand) Run() error {
	return able(c.writeFlags, registry.Store.Tenants, c.id(), tenantDisabled, true)
}

type tenantEnableCommand struct {
	writeFlags
	namedTenant
}

// Run lets those of a tenant in again.
func (c *tenantEnableCommand) Run() error {
	return able(c.writeFlags, registry.Store.Tenants, c.id(), tenantDisabled, false)
}

func userDisabled(u *registry.User) (disabled *bool, revision int64) {
	return &u.Disabled, u.Revision
}

func tenantDisabled(t *registry.Tenant) (disabled *bool, revision int64) {
	return &t.Disabled, t.Revision
}

// errEnabled ends the change of what is not there, and so is not disabled.
var errEnabled = errors.New("it is enabled")

// able has a user or a tenant be disabled, or enabled.
func able[T any](
	f writeFlags, objects func(registry.Store) registry.Objects[T], id registry.ObjectID,
	of func(*T) (disabled *bool, revision int64), disabled bool,
) error {
	return f.change(func(ctx context.Context, d registry.Store) (int64, error) {
		o, err := objects(d).Put(ctx, id, f.write(), func(o *T, _ registry.Standing) error {
			is, revision := of(o)
			if revision == 0 && !disabled {
				return errEnabled
			}
			*is = disabled
			return nil
		})
		becomes := map[bool]string{true: "disabled", false: "enabled"}[disabled]
		switch {
		case errors.Is(err, errEnabled):
			fmt.Fprintf(os.Stderr, "nothing is kept of %s, which is enabled\n", id)
			return 0, nil
		case err != nil:
			return 0, err
		}
		fmt.Fprintf(os.Stderr, "%s is %s\n", id, becomes)
		_, revision := of(&o)
		return revision, nil
	})
}
