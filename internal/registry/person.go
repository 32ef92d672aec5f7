package registry

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// descriptionBytesMax bounds a description.
const descriptionBytesMax = 1024

// Check returns what is wrong with an id, or nil: with others there is nothing to look for, and not
// every database takes them.
func (o ObjectID) Check() error {
	if err := checkTenant("tenant", o.Tenant); err != nil {
		return err
	}
	return checkText("name", o.Name, nameBytesMax)
}

// Check returns what is wrong with t, for whoever has written it, or nil.
func (t *Tenant) Check() error {
	if t.Name == "" && t.Disabled {
		return wrong("disabled", "must be false for the tenant %q, which all else is of",
			identity.DefaultTenant)
	}
	if err := checkTenant("name", t.Name); err != nil {
		return err
	}
	return checkText("description", t.Description, descriptionBytesMax)
}

// checkTenant returns what is wrong with the name of a tenant, as it is inside, or nil.
func checkTenant(field, name string) error {
	if name == identity.DefaultTenant {
		return wrong(field, `must be "" for the default tenant`) // a mistake of the caller
	}
	return checkText(field, name, nameBytesMax)
}

// Check returns what is wrong with u, for whoever has written it, or nil.
func (u *User) Check() error {
	if err := checkTenant("tenant", u.Tenant); err != nil {
		return err
	}
	if err := checkUser("name", u.Name); err != nil {
		return err
	}
	return checkText("description", u.Description, descriptionBytesMax)
}

// checkUser returns what is wrong with the name of a user, or nil.
func checkUser(field, name string) error {
	if name == "" {
		return &FieldError{field, "is missing"}
	}
	if err := identity.CheckUser(name); err != nil {
		return &FieldError{field, err.Error()}
	}
	return checkText(field, name, len(name))
}

const inTenant = "tenant_permissions" // the field of a role

// Check returns what is wrong with r, for whoever has written it, or nil.
func (r *Role) Check() error {
	if err := r.Name.CheckName(); err != nil {
		return wrong("name", "%q is none: %v", r.Name, err)
	}
	if r.Name.Known() {
		return wrong("name", "%q is one of those that there always are, and cannot be changed",
			r.Name)
	}
	if len(r.Permissions)+len(r.TenantPermissions) == 0 {
		return &FieldError{"permissions", "has none, and neither has tenant_permissions: " +
			"there are " + identity.PermissionList()}
	}
	for field, list := range map[string][]string{
		"permissions": r.Permissions, inTenant: r.TenantPermissions,
	} {
		for i, name := range list {
			p := identity.PermissionNamed(name)
			switch {
			case p == 0:
				return wrong(field, "has %q, which is none: there are %s", name,
					identity.PermissionList())
			case field == inTenant && !p.OfTenants():
				return wrong(field, "has %q, which counts in every tenant or not at all: "+
					"write it in permissions", name)
			case slices.Contains(list[:i], name):
				return wrong(field, "has %q twice", name)
			}
		}
	}
	return checkText("description", r.Description, descriptionBytesMax)
}
