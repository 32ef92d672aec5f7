package identity

import (
	"cmp"
	"maps"
	"slices"
)

// Person is a user of a tenant; "" is the default one.
type Person struct{ Tenant, User string }

// Census is who may not come in at the moment, and what custom roles give. It is immutable. The
// zero value, and nil: everybody may come in, and there are no custom roles.
type Census struct {
	tenants map[string]bool // that are disabled
	users   map[Person]bool
	roles   map[Role]PermissionSet
}

// Changes are what a census is to say from now on of those that they name.
type Changes struct {
	Tenants map[string]bool        // whether they are disabled, by the names inside
	Users   map[Person]bool        // whether they are disabled
	Roles   map[Role]PermissionSet // 0: there is no such role any more
}

// Refused says why somebody whose credential is known may not come in. The zero value: he may.
type Refused uint8

// The reasons.
const (
	UserDisabled Refused = iota + 1
	TenantDisabled
)

// With returns a census that says what c says but for the changes.
func (c *Census) With(changes Changes) *Census {
	c = c.orEmpty()
	return &Census{
		tenants: with(c.tenants, changes.Tenants), users: with(c.users, changes.Users),
		roles: with(c.roles, changes.Roles),
	}
}

// orEmpty returns c, or an empty census for nil.
func (c *Census) orEmpty() *Census {
	if c == nil {
		return &Census{}
	}
	return c
}

// with returns entries with others in their place; those that are the zero value are not kept.
func with[K, V comparable](entries, changes map[K]V) map[K]V {
	if len(changes) == 0 {
		return entries
	}
	next := make(map[K]V, len(entries)+len(changes))
	maps.Copy(next, entries)
	maps.Copy(next, changes)
	var none V
	maps.DeleteFunc(next, func(_ K, v V) bool { return v == none })
	return next
}

// Refuses returns why a user of a tenant may not come in, whatever the credential.
func (c *Census) Refuses(tenant, user string) Refused {
	switch {
	case c == nil:
		return 0
	case len(c.tenants) > 0 && c.tenants[tenant]:
		return TenantDisabled
	case len(c.users) > 0 && c.users[Person{tenant, user}]:
		return UserDisabled
	}
	return 0
}

// Gives returns what a role gives, built in or custom, and whether there is one of that name.
func (c *Census) Gives(r Role) (s PermissionSet, known bool) {
	if r.Known() {
		return r.Gives(), true
	}
	s, known = c.orEmpty().roles[r]
	return s, known
}

// Resolve gives p what its custom roles give at the moment, beside what the others give it.
func (c *Census) Resolve(p *Principal) {
	if c == nil || len(c.roles) == 0 {
		return
	}
	for _, r := range p.Roles {
		p.Permissions |= c.roles[r]
	}
}

// Tenants returns the tenants that are disabled, in the order of their names.
func (c *Census) Tenants() []string { return slices.Sorted(maps.Keys(c.orEmpty().tenants)) }

// Users returns the users that are disabled, in the order of their tenants and names.
func (c *Census) Users() []Person {
	return slices.SortedFunc(maps.Keys(c.orEmpty().users), func(a, b Person) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.User, b.User))
	})
}

// Roles returns the custom roles, in the order of their names.
func (c *Census) Roles() []Role { return slices.Sorted(maps.Keys(c.orEmpty().roles)) }
