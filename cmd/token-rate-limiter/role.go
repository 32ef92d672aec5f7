package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin/registrar"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

type roleCommand struct {
	List   roleListCommand   `cmd:"" help:"${role_list}"`
	Show   roleShowCommand   `cmd:"" help:"${role_show}"`
	Set    roleSetCommand    `cmd:"" help:"${role_set}"`
	Delete roleDeleteCommand `cmd:"" help:"${role_delete}"`
}

// roleHead are the columns of roles.
const roleHead = "NAME\tBUILT IN\tPERMISSIONS\tIN THE OWN TENANT\tDESCRIPTION"

// roleRow returns a role as a row of them.
func roleRow(r *registrar.Role) string {
	return fmt.Sprintf("%s\t%t\t%s\t%s\t%q", r.Name, r.BuiltIn, strings.Join(r.Permissions, " "),
		strings.Join(r.TenantPermissions, " "), r.Description)
}

type roleListCommand struct {
	registryFlags
	outputFlags
}

// Run prints the roles that there always are, and the others.
func (c *roleListCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		q := registry.ObjectQuery{Limit: listPage}
		custom, err := everyOne(ctx, d.Roles(), q, registrar.NewRole)
		if err != nil {
			return err
		}
		return printObjects(c.outputFlags, append(registrar.BuiltInRoles(), custom...),
			roleHead, roleRow)
	})
}

type roleShowCommand struct {
	registryFlags
	outputFlags
	Name identity.Role `arg:"" help:"Name of the role."`
}

// Run prints a role.
func (c *roleShowCommand) Run() error {
	return c.look(func(ctx context.Context, d registry.Store) error {
		shown, builtIn := registrar.BuiltInRole(c.Name)
		if !builtIn {
			r, err := d.Roles().Get(ctx, registry.RoleID(c.Name))
			if err != nil {
				return roleError(c.Name, err)
			}
			custom := registrar.NewRole(&r)
			shown = &custom
		}
		if !c.isTable() {
			return c.print(shown)
		}
		return printObjects(c.outputFlags, []registrar.Role{*shown}, roleHead, roleRow)
	})
}

type roleSetCommand struct {
	writeFlags
	Name             identity.Role `arg:"" help:"Name of the role."`
	Permission       []string      `placeholder:"PERMISSION" help:"${role_permissions}"`
	TenantPermission []string      `placeholder:"PERMISSION" help:"${tenant_permissions}"`
	Description      string        `placeholder:"TEXT" help:"What it is for, for people."`
}

// Run makes a role, or has it give something else from now on.
func (c *roleSetCommand) Run() error {
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		r, err := d.Roles().Put(ctx, registry.RoleID(c.Name), c.write(),
			func(r *registry.Role, _ registry.Standing) error {
				r.Permissions, r.TenantPermissions = c.Permission, c.TenantPermission
				r.Description = c.Description
				return nil
			})
		if err != nil {
			return 0, roleError(c.Name, err)
		}
		fmt.Fprintf(os.Stderr, "the role %s gives that from now on\n", r.Name)
		return r.Revision, nil
	})
}

type roleDeleteCommand struct {
	writeFlags
	Name identity.Role `arg:"" help:"Name of the role."`
}

// Run has a role be gone that no key names.
func (c *roleDeleteCommand) Run() error {
	return c.change(func(ctx context.Context, d registry.Store) (int64, error) {
		err := d.Roles().Delete(ctx, registry.RoleID(c.Name), c.write(),
			func(registry.Role, registry.Standing) error { return nil })
		if err != nil {
			return 0, roleError(c.Name, err)
		}
		fmt.Fprintf(os.Stderr, "the role %s is gone\n", c.Name)
		last, err := d.Revision(ctx) // it is that of the change, or a later one
		if err != nil {
			return 0, fmt.Errorf("the change is made, and its revision is not known: %w", err)
		}
		return last.Number, nil
	})
}

// roleError returns err with the name of the role that it is about.
func roleError(name identity.Role, err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("there is no role %q that somebody has made; role list tells them", name)
	}
	return err
}
