package identity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestAccounts: no two users have the same account, those of the default tenant keep their names,
// and each name is short enough.
func TestAccounts(t *testing.T) {
	long := strings.Repeat("u", limit.NameBytesMax)
	seen := map[string]Person{}
	for _, tenant := range []string{"", "a", "a/b", "a%2Fb", "a%252Fb", "tenant:", "/", "%", "sha256:", strings.Repeat("t", 300), strings.Repeat("t", 301), "김"} {
		for _, user := range []string{
			"", "u", "b/u", "/u", "tenant:", "tenant:a/u", "tenant:/tenant:a/u", "tenant:/sha256:x", "sha256:x", "Tenant:a/u", long, "tenant:" + long[7:], long[1:] + "v",
		} {
			name := AccountOf(tenant, user)
			if other, taken := seen[name]; taken {
				t.Errorf("%q is the account of %q and %q", name, other, Person{tenant, user})
			}
			seen[name] = Person{tenant, user}
			if len(name) > limit.NameBytesMax || tenant == "" && !strings.HasPrefix(user, "tenant:") && name != user {
				t.Errorf("the account of %q in %q is %q", user, tenant, name)
			}
			if AccountOf("", name) == name && (tenant != "" || user != name) { // nobody can be called so
				t.Errorf("who is called %q has the account of %q in %q", name, user, tenant)
			}
		}
	}
}

// TestCensus: nil is empty, and what is the zero value is not kept.
func TestCensus(t *testing.T) {
	var none *Census
	p := Principal{Roles: []Role{"reader"}}
	none.Resolve(&p)
	if _, known := none.Gives("reader"); known || p.Permissions != 0 || none.Refuses("", "eve") != 0 || len(none.Users())+len(none.Tenants())+len(none.Roles()) != 0 {
		t.Errorf("nobody counted is %+v", none)
	}
	c := none.With(Changes{
		Tenants: map[string]bool{"roof": true, "acme": false}, Users: map[Person]bool{{"", "eve"}: true, {"a", "eve"}: true, {"", "bob"}: false},
		Roles: map[Role]PermissionSet{"reader": Everywhere(UsageRead), "none": 0},
	})
	if got := fmt.Sprint(c.Tenants(), c.Users(), c.Roles()); got != "[roof] [{ eve} {a eve}] [reader]" {
		t.Error(got)
	}
	if c.Refuses("roof", "eve") != TenantDisabled || c.Refuses("", "eve") != UserDisabled || c.Refuses("acme", "eve") != 0 {
		t.Errorf("%+v", c)
	}
	c.Resolve(&p)
	if p.Permissions != Everywhere(UsageRead) {
		t.Errorf("a custom role gives %v", p.Permissions.Names())
	}
	c = c.With(Changes{Users: map[Person]bool{{"", "eve"}: false}})
	if got := fmt.Sprint(c.Tenants(), c.Users(), c.Roles()); got != "[roof] [{a eve}] [reader]" {
		t.Error(got)
	}
}

// TestMayWriteRole: who writes a role has what it gives and gave, everywhere.
func TestMayWriteRole(t *testing.T) {
	half := Principal{Permissions: Everywhere(RolesWrite, UsageRead) | InTenant(KeysWrite)}
	admin := Principal{Permissions: Admin.Gives()}
	for _, tt := range []struct {
		p             *Principal
		before, after PermissionSet
		may           bool
	}{
		{&admin, 0, Admin.Gives() | User.Gives() | TenantAdmin.Gives(), true},
		{&half, 0, Everywhere(UsageRead), true},
		{&half, 0, InTenant(UsageRead), true},
		{&half, Everywhere(UsageRead), 0, true},
		{&half, 0, Everywhere(RolesWrite, KeysWrite), false}, // he would have it himself
		{&half, 0, InTenant(KeysWrite), false},               // others would have it in their tenants
		{&half, Everywhere(AuditRead), Everywhere(UsageRead), false},
		{&half, 0, Everywhere(ModelsUse), true}, // as with keys
		{&Principal{Permissions: InTenant(RolesWrite, UsageRead)}, 0, InTenant(UsageRead), false},
		{new(Principal), 0, 0, false},
	} {
		if err := tt.p.MayWriteRole(tt.before, tt.after); (err == nil) != tt.may {
			t.Errorf("with %v, from %v to %v: %v", tt.p.Permissions.Names(), tt.before.Names(), tt.after.Names(), err)
		}
	}
}

// TestMayDisable: nobody keeps out himself, those above him, those of other tenants, or all.
func TestMayDisable(t *testing.T) {
	local := Principal{User: "lena", Tenant: "acme", Permissions: TenantAdmin.Gives()}
	admin := Principal{User: "root", Permissions: Admin.Gives()}
	acting := Principal{User: "bob", Holder: "portal", Permissions: Admin.Gives()}
	for _, tt := range []struct {
		p            *Principal
		tenant, user string
		held         PermissionSet
		may          bool
	}{
		{&local, "acme", "bob", User.Gives(), true},
		{&local, "acme", "bob", TenantAdmin.Gives() | User.Gives(), true},
		{&local, "acme", "bob", Everywhere(KeysRead), false}, // beyond the own tenant
		{&local, "acme", "bob", InTenant(AuditRead), false},
		{&local, "acme", "lena", 0, false},
		{&local, "", "bob", 0, false},
		{&local, "", "lena", 0, false},
		{&local, "acme", "", 0, false},
		{&local, "roof", "", 0, false},
		{&admin, "acme", "lena", TenantAdmin.Gives(), true},
		{&admin, "acme", "root", Admin.Gives(), true}, // another one of that name
		{&admin, "", "root", 0, false},
		{&admin, "acme", "", Admin.Gives(), true},
		{&admin, "", "", 0, false},
		{&acting, "", "portal", 0, false},
		{&acting, "", "bob", 0, false},
		{&Principal{User: "x", Tenant: "acme", Permissions: Everywhere(UsersWrite)}, "acme", "", 0, false},
		{new(Principal), "", "bob", 0, false},
	} {
		if err := tt.p.MayDisable(tt.tenant, tt.user, tt.held); (err == nil) != tt.may {
			t.Errorf("%s of %q with %v, on %q of %q with %v: %v", tt.p.User, tt.p.Tenant, tt.p.Permissions.Names(), tt.user, tt.tenant, tt.held.Names(), err)
		}
	}
}

// TestMayGiveCustomRoles: a custom role gives what it does at the moment, and no more than its
// giver has.
func TestMayGiveCustomRoles(t *testing.T) {
	giver := Principal{Permissions: Everywhere(KeysWrite, UsageRead)}
	census := new(Census).With(Changes{Roles: map[Role]PermissionSet{"reader": Everywhere(UsageRead), "auditor": Everywhere(AuditRead)}})
	for role, want := range map[Role]string{"reader": "", "auditor": "which gives audit:read", "none": "which is none"} {
		err := giver.MayGive(Mandate{Roles: []Role{role}}, census)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// BenchmarkCensus: what a census adds to a request: of nobody, and of 100,000 who are disabled.
func BenchmarkCensus(b *testing.B) {
	users := map[Person]bool{}
	for i := range 100_000 {
		users[Person{"", fmt.Sprint("user-", i)}] = true
	}
	for name, c := range map[string]*Census{
		"nobody": new(Census), "roles": new(Census).With(Changes{Roles: map[Role]PermissionSet{"reader": Everywhere(UsageRead)}}),
		"100000": new(Census).With(Changes{Users: users}),
	} {
		p := Principal{User: "alice@example.com", Roles: []Role{User}}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c.Refuses(p.Tenant, p.User) != 0 {
					b.Fatal("refused")
				}
				c.Resolve(&p)
			}
		})
	}
}
