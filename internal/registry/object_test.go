package registry

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestObjectIDs: each id is read as it was written, and no two objects have the same one.
func TestObjectIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []ObjectID{
		TenantID("acme"), TenantID("default"), TenantID("a/b"), TenantID("a:b"), TenantID("%2F"), RoleID("reader"), RoleID("acme"),
		UserID("", "alice"), UserID("acme", "alice"), UserID("a/b", "c"), UserID("a", "b/c"), UserID("a%2Fb", "c"), UserID("", "user:x/y"), UserID("김", "민수"),
	} {
		text := id.String()
		if seen[text] {
			t.Errorf("%s is the id of two", text)
		}
		seen[text] = true
		if got, err := ParseObjectID(text); err != nil || got != id || KindOf(text) != id.Kind {
			t.Errorf("%+v is %s and read as %+v, %v", id, text, got, err)
		}
	}
	if UserID("default", "a") != UserID("", "a") || UserID("", "a").String() != "user:default/a" {
		t.Error("the default tenant is two")
	}
	for _, text := range []string{NewID(time.Now()), "", "user:alice", "key:1", "user:%zz/a"} {
		if got, err := ParseObjectID(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// TestKeyringPeople: what keys and people are is changed at one moment; what is known can be
// known again.
func TestKeyringPeople(t *testing.T) {
	ring := NewKeyring(time.Now, func() bool { return true })
	secret := NewSecret()
	k := Key{ID: "1", User: "alice", Tenant: "acme", Roles: []identity.Role{identity.User, "reader"}, Secrets: []Secret{{Hash: HashOf(secret)}}}
	reader := Role{Name: "reader", Permissions: []string{"usage:read", "of a later version"}, TenantPermissions: []string{"keys:read"}}
	ring.Apply(Changes{
		Keys: []Key{k}, Users: []User{{Tenant: "acme", Name: "eve", Disabled: true}, {Name: "bob"}},
		Tenants: []Tenant{{Name: "roof", Disabled: true}}, Roles: []Role{reader, {Name: "user", Permissions: []string{"keys:write"}}},
	})
	look := func(ring *Keyring) (p identity.Principal, c *identity.Census) {
		t.Helper()
		proof, err := ring.Authenticate(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		p, c = *proof.Principal, proof.Census
		c.Resolve(&p)
		return p, c
	}
	other := NewKeyring(time.Now, func() bool { return true })
	again := Changes{Whole: true, Keys: ring.Keys()}
	again.Tenants, again.Users, again.Roles = ring.people()
	other.Apply(again)
	for name, ring := range map[string]*Keyring{"what was applied": ring, "what was known": other} {
		p, c := look(ring)
		want := identity.Everywhere(identity.ModelsUse, identity.UsageRead) | identity.InTenant(identity.KeysRead)
		if p.Permissions != want || p.Tenant != "acme" || p.Account != "tenant:acme/alice" {
			t.Errorf("%s: %+v", name, p)
		}
		if c.Refuses("acme", "eve") != identity.UserDisabled || c.Refuses("", "eve") != 0 || c.Refuses("", "bob") != 0 || c.Refuses("roof", "x") != identity.TenantDisabled {
			t.Errorf("%s: %v %v", name, c.Users(), c.Tenants())
		}
	}
	_, before := look(ring)
	ring.Apply(Changes{Users: []User{{Tenant: "acme", Name: "eve"}}, Tenants: []Tenant{{Name: "roof"}}, Roles: []Role{{Name: "reader"}}})
	p, c := look(ring)
	if p.Permissions != identity.Everywhere(identity.ModelsUse) || c.Refuses("acme", "eve") != 0 || c.Refuses("roof", "x") != 0 {
		t.Errorf("what was deleted still counts: %+v", p)
	}
	if before.Refuses("acme", "eve") != identity.UserDisabled {
		t.Error("a census that somebody has is changed")
	}
	ring.Apply(Changes{Whole: true})
	if len(ring.Census().Users())+len(ring.Census().Roles()) != 0 {
		t.Error("what there is not any more is known")
	}
}

// TestInUse: who may not delete is told what to do first, for one and for several.
func TestInUse(t *testing.T) {
	for want, e := range map[string]InUseError{
		"1 key that is not revoked names role:reader: revoke or change K first":                {Object: "role:reader", Keys: 1, Example: "K"},
		"2 keys that are not revoked name role:reader, such as K: revoke or change them first": {Object: "role:reader", Keys: 2, Example: "K"},
		"2 keys that are not revoked name tenant:acme, such as K: revoke them first":           {Object: "tenant:acme", Keys: 2, Users: 1, Example: "K"},
		"3 users are of tenant:acme, such as user:acme/alice: delete them first":               {Object: "tenant:acme", Users: 3, Example: "user:acme/alice"},
		"1 user is of tenant:acme: delete user:acme/alice first":                               {Object: "tenant:acme", Users: 1, Example: "user:acme/alice"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%+v:\n%s\nwant\n%s", e, got, want)
		}
	}
}
