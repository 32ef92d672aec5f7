package identity

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPermissionsHaveNames: each has one of its own, a noun and a verb.
func TestPermissionsHaveNames(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+:[a-z]+$`)
	seen := map[string]bool{}
	for p := range Permissions() {
		if name := p.String(); !form.MatchString(name) || seen[name] {
			t.Errorf("permission %d is called %q", p, name)
		}
		seen[p.String()] = true
	}
	if none := Permission(0); none.String() != "" || permissionsEnd.String() != "" || permissionsEnd > inTenant {
		t.Errorf("what is no permission is called %q and %q, of %d", none, permissionsEnd, permissionsEnd)
	}
}

// TestRolesGive: what each role gives, by the rule that it follows. What is no role, and what is no
// permission, is nothing.
func TestRolesGive(t *testing.T) {
	for p := range Permissions() {
		name := p.String()
		use := p == ModelsUse
		look := strings.HasSuffix(name, ":read") && p != ProfilesRead
		tenant := slices.Contains([]Permission{UsageRead, KeysRead, KeysWrite, UsersRead, UsersWrite}, p)
		for r, want := range map[Role][2]bool{ // everywhere, and in the own tenant
			User: {use, use}, Viewer: {look, look}, TenantAdmin: {false, tenant}, Admin: {!use, !use},
			"root": {}, "": {}, "User": {}, "user ": {},
		} {
			if got := [2]bool{r.Gives().Everywhere(p), r.Gives().InTenant(p)}; got != want {
				t.Errorf("the role %q gives %s everywhere, and in its tenant: %v, want %v", r, p, got, want)
			}
		}
	}
	for _, none := range []Permission{0, permissionsEnd, inTenant, inTenant + 1, 255} {
		if all := PermissionsOf(Roles()); all.Everywhere(none) || all.InTenant(none) || Everywhere(none) != 0 {
			t.Errorf("%d is a permission", none)
		}
	}
	if got := RoleList(); got != "user, viewer, tenant-admin and admin" {
		t.Errorf("the roles are %s", got)
	}
	if got := RolesWith(KeysWrite, false); got != "tenant-admin or admin" || RolesWith(KeysWrite, true) != "admin" || RolesWith(0, false) != "" {
		t.Errorf("keys:write is given by %s", got)
	}
	if got := strings.Join(PermissionsOf([]Role{User, TenantAdmin}).Names(), " "); got != "models:use usage:read keys:read keys:write users:read users:write" {
		t.Errorf("user and tenant-admin give %s", got)
	}
}

// TestPrincipalMay: a permission for the own tenant ends at its edge; nobody may do nothing.
func TestPrincipalMay(t *testing.T) {
	of := func(tenant string, roles ...Role) *Principal {
		return &Principal{Tenant: tenant, Roles: roles, Permissions: PermissionsOf(roles)}
	}
	for _, tt := range []struct {
		p                       *Principal
		everywhere, acme, other bool // whether it may write keys there
	}{
		{new(Principal), false, false, false},
		{of("acme", User, Viewer), false, false, false},
		{of("acme", TenantAdmin), false, true, false},
		{of("", TenantAdmin), false, false, true},
		{of("acme", Admin), true, true, true},
		{of("acme", TenantAdmin, Admin), true, true, true},
		{of("acme", "root"), false, false, false},
	} {
		got := [3]bool{tt.p.May(KeysWrite), tt.p.MayIn(KeysWrite, "acme"), tt.p.MayIn(KeysWrite, "")}
		if want := [3]bool{tt.everywhere, tt.acme, tt.other}; got != want {
			t.Errorf("%+v may write keys everywhere, in acme and in the default tenant: %v, want %v", tt.p, got, want)
		}
	}
}

// TestNamesOfPermissions: what counts everywhere counts in the own tenant too, and is not told as
// what counts there alone.
func TestNamesOfPermissions(t *testing.T) {
	s := Everywhere(UsageRead, AuditRead) | InTenant(UsageRead, KeysWrite)
	if all, alone := s.Names(), s.NamesInTenant(); !slices.Equal(all, []string{"usage:read", "keys:write", "audit:read"}) || !slices.Equal(alone, []string{"keys:write"}) {
		t.Errorf("in the tenant at least %q, alone %q", all, alone)
	}
}
