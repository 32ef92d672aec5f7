package identity

import (
	"fmt"
	"strings"
)

// Role is a name for permissions. None includes another.
type Role string

// The roles that there always are.
const (
	User        Role = "user"         // uses models
	Viewer      Role = "viewer"       // looks at everything but profiles, and changes nothing
	TenantAdmin Role = "tenant-admin" // looks after the keys, users and usage of its tenant
	Admin       Role = "admin"        // does everything but use models
)

// roleTable says which permissions roles give. What is not in it is given to nobody.
var roleTable = [...]struct {
	role  Role
	gives PermissionSet
}{
	{User, Everywhere(ModelsUse)},
	{Viewer, Everywhere(ModelsRead, UsageRead, KeysRead, UsersRead, AuditRead, ConfigRead)},
	{TenantAdmin, InTenant(UsageRead, KeysRead, KeysWrite, UsersRead, UsersWrite)},
	{Admin, Everywhere(ModelsRead, UsageRead, KeysRead, KeysWrite, UsersRead, UsersWrite,
		RolesWrite, AuditRead, ConfigRead, ProfilesRead, UsageWrite)},
}

// Roles returns the roles that there always are, from the least powerful.
func Roles() []Role {
	list := make([]Role, len(roleTable))
	for i := range roleTable {
		list[i] = roleTable[i].role
	}
	return list
}

// Known reports whether r is one of Roles.
func (r Role) Known() bool {
	for i := range roleTable {
		if roleTable[i].role == r {
			return true
		}
	}
	return false
}

// Gives returns the permissions of the role; none where it is not known.
func (r Role) Gives() PermissionSet {
	for i := range roleTable {
		if roleTable[i].role == r {
			return roleTable[i].gives
		}
	}
	return 0
}

// PermissionsOf returns what the roles give together. Those that are not known give nothing.
func PermissionsOf(roles []Role) (s PermissionSet) {
	for _, r := range roles {
		s |= r.Gives()
	}
	return s
}

// RoleList returns the roles that there always are, for messages: "user, viewer, … and admin".
func RoleList() string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return listed(names, "and")
}

// RolesWith returns the names of the roles that give p in the own tenant at least, or in every
// one, for messages: "viewer or admin"; "" where none does.
func RolesWith(p Permission, everywhere bool) string {
	var names []string
	for _, r := range Roles() {
		if s := r.Gives(); s.Everywhere(p) || !everywhere && s.InTenant(p) {
			names = append(names, string(r))
		}
	}
	return listed(names, "or")
}

// listed joins names as in "a, b and c".
func listed(names []string, last string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + " " + last + " " + names[n]
}

// roleBytesMax bounds the name of a custom role.
const roleBytesMax = 64

// CheckName returns why r cannot be the name of a role, built in or custom, or nil.
func (r Role) CheckName() error {
	if r == "" || len(r) > roleBytesMax || r[0] < 'a' || r[0] > 'z' ||
		strings.Trim(string(r), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("a role has a name of at most %d small letters, digits and hyphens, "+
			"and begins with a letter", roleBytesMax)
	}
	return nil
}
