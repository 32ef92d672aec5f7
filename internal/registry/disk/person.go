package disk

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// person is a tenant or a user that is disabled, or a custom role.
type person struct {
	Kind              registry.Kind `json:"kind"`
	Tenant            string        `json:"tenant,omitzero"`
	Name              string        `json:"name,omitzero"`
	Permissions       []string      `json:"permissions,omitempty"`
	TenantPermissions []string      `json:"tenant_permissions,omitempty"`
}

// peopleFrom returns who is disabled, and what custom roles give.
func peopleFrom(known *registry.Changes) (people []person) {
	for _, t := range known.Tenants {
		if t.Disabled {
			people = append(people, person{Kind: registry.TenantKind, Name: t.Name})
		}
	}
	for _, u := range known.Users {
		if u.Disabled {
			people = append(people,
				person{Kind: registry.UserKind, Tenant: u.Tenant, Name: u.Name})
		}
	}
	for _, r := range known.Roles {
		people = append(people, person{
			Kind: registry.RoleKind, Name: string(r.Name),
			Permissions: r.Permissions, TenantPermissions: r.TenantPermissions,
		})
	}
	return people
}

// people reads so many people.
func (r *reader) people(n int, into *registry.Changes) error {
	for range n {
		var p person
		if err := r.next(&p); err != nil {
			return err
		}
		switch p.Kind {
		case registry.TenantKind:
			into.Tenants = append(into.Tenants, registry.Tenant{Name: p.Name, Disabled: true})
		case registry.UserKind:
			into.Users = append(into.Users,
				registry.User{Tenant: p.Tenant, Name: p.Name, Disabled: true})
		case registry.RoleKind:
			into.Roles = append(into.Roles, registry.Role{
				Name: identity.Role(p.Name), Permissions: p.Permissions,
				TenantPermissions: p.TenantPermissions,
			})
		default:
			return errDamaged
		}
	}
	return nil
}
