package identity

import "iter"

// Permission is one thing that a principal may do, as a noun and a verb. The zero value is none,
// and nobody has it.
type Permission uint8

// The permissions. Each is what a route, or a group of them, asks for.
const (
	ModelsUse    Permission = iota + 1 // call models; what that spends is charged
	ModelsRead                         // see the limits and model servers of models
	UsageRead                          // see what others have used
	KeysRead                           // see keys, without their secrets
	KeysWrite                          // issue, change, rotate and revoke keys
	UsersRead                          // see users
	UsersWrite                         // change and disable users, and let keys act for them
	RolesWrite                         // change which permissions roles give
	AuditRead                          // see who has changed what
	ConfigRead                         // see the effective configuration, with secrets masked
	ProfilesRead                       // take profiles of the process, which costs it time
	UsageWrite                         // reset what counts of users, and free slots
	permissionsEnd
)

var permissionNames = [permissionsEnd]string{
	ModelsUse:    "models:use",
	ModelsRead:   "models:read",
	UsageRead:    "usage:read",
	KeysRead:     "keys:read",
	KeysWrite:    "keys:write",
	UsersRead:    "users:read",
	UsersWrite:   "users:write",
	RolesWrite:   "roles:write",
	AuditRead:    "audit:read",
	ConfigRead:   "config:read",
	ProfilesRead: "profiles:read",
	UsageWrite:   "usage:write",
}

// String returns the public name, such as "keys:write"; "" of none.
func (p Permission) String() string {
	if p >= permissionsEnd {
		return ""
	}
	return permissionNames[p]
}

// Permissions returns every permission, in a fixed order.
func Permissions() iter.Seq[Permission] {
	return func(yield func(Permission) bool) {
		for p := Permission(1); p < permissionsEnd && yield(p); p++ {
		}
	}
}

// PermissionSet is what a principal may do everywhere, and what in its own tenant only. The zero
// value is nothing. Sets are joined with |.
type PermissionSet uint64

// inTenant is how far the permissions in the own tenant are above those for everywhere.
const inTenant = 32

// Everywhere returns the set of permissions that count in every tenant, and for what is of none.
func Everywhere(permissions ...Permission) (s PermissionSet) {
	for _, p := range permissions {
		s |= bit(p)
	}
	return s
}

// InTenant returns the set of permissions that count in the principal's own tenant only.
func InTenant(permissions ...Permission) PermissionSet {
	return Everywhere(permissions...) << inTenant
}

// bit returns the place of p in a set; nothing of what is no permission.
func bit(p Permission) PermissionSet {
	if p == 0 || p >= permissionsEnd {
		return 0
	}
	return 1 << p
}

// Everywhere reports whether p counts in every tenant.
func (s PermissionSet) Everywhere(p Permission) bool { return s&bit(p) != 0 }

// InTenant reports whether p counts in the principal's own tenant, at least.
func (s PermissionSet) InTenant(p Permission) bool { return (s|s>>inTenant)&bit(p) != 0 }

// Names returns the public names of what counts in the own tenant at least, in a fixed order.
func (s PermissionSet) Names() []string { return s.names(false) }

// NamesInTenant returns the public names of what counts in the own tenant alone.
func (s PermissionSet) NamesInTenant() []string { return s.names(true) }

func (s PermissionSet) names(alone bool) []string {
	names := []string{}
	for p := range Permissions() {
		if s.InTenant(p) && !(alone && s.Everywhere(p)) {
			names = append(names, p.String())
		}
	}
	return names
}

// OfTenants reports whether p is asked for in a tenant, rather than in every one alone.
func (p Permission) OfTenants() bool {
	switch p {
	case ModelsUse, UsageRead, UsageWrite, KeysRead, KeysWrite, UsersRead, UsersWrite:
		return true
	}
	return false
}

// PermissionNamed returns the permission of a public name; 0 where there is none.
func PermissionNamed(name string) Permission {
	for p := range Permissions() {
		if p.String() == name {
			return p
		}
	}
	return 0
}

// PermissionList returns the names of all permissions, for messages: "models:use, … and …".
func PermissionList() string {
	var names []string
	for p := range Permissions() {
		names = append(names, p.String())
	}
	return listed(names, "and")
}
