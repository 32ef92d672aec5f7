package identity

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

var (
	tenants = []string{"", "acme", "other"}
	reaches = [][2]string{
		{"", ""}, {"*", ""}, {"llama2-*", ""}, {"llama2-7b", ""}, {"llama2-7b qwen", "score"}, {"", "score rerank"}, {"*-7b", "chat_completions"}, {"-", ""},
	}
)

// anyMandate returns one of all that there can be, over a few tenants and reaches.
func anyMandate(t testing.TB, r *rand.Rand) Mandate {
	s := reaches[r.IntN(len(reaches))]
	m := Mandate{Tenant: tenants[r.IntN(len(tenants))], ActAs: r.IntN(2) == 0, Reach: reachOf(t, s[0], s[1])}
	for _, role := range append(Roles(), "root") {
		if role != "root" && r.IntN(2) == 0 || r.IntN(20) == 0 {
			m.Roles = append(m.Roles, role)
		}
	}
	return m
}

// holder returns the principal of a credential with the mandate.
func (m Mandate) holder() *Principal {
	return &Principal{Tenant: m.Tenant, Roles: m.Roles, Permissions: PermissionsOf(m.Roles), ActAs: m.ActAs, Reach: m.Reach}
}

// beyond returns what the second may and the first may not, other than calling models as itself.
func beyond(giver, has *Principal) string {
	for p := range Permissions() {
		for _, tenant := range tenants {
			if p != ModelsUse && has.MayIn(p, tenant) && !giver.MayIn(p, tenant) {
				return p.String() + " in " + tenant
			}
		}
		if p != ModelsUse && has.May(p) && !giver.May(p) {
			return p.String() + " everywhere"
		}
	}
	for _, model := range []string{"", "llama2-7b", "llama2-70b", "qwen", "qwen-7b", "x"} {
		if has.Reach.AllowsModel(model) && !giver.Reach.AllowsModel(model) {
			return "the model " + model
		}
	}
	for _, e := range wire.Endpoints {
		if has.Reach.AllowsEndpoint(e) && !giver.Reach.AllowsEndpoint(e) {
			return e.String()
		}
	}
	if has.ActAs && !(giver.ActAs && giver.Tenant == has.Tenant) && !giver.MayIn(UsersWrite, has.Tenant) {
		return "to act as others"
	}
	return ""
}

// TestNobodyGivesMoreThanHeHas: however credentials are handed on, the last one may do nothing that
// the first may not; and what a principal has itself, it may give if it may write keys.
func TestNobodyGivesMoreThanHeHas(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 5))
	given := 0
	for range 20_000 {
		first := anyMandate(t, random).holder()
		for giver, hops := first, 0; hops < 3; hops++ {
			m := anyMandate(t, random)
			if giver.MayGive(m, nil) != nil {
				continue
			}
			given++
			if what := beyond(first, m.holder()); what != "" {
				t.Fatalf("%+v ends with %+v, which may more: %s", first, m, what)
			}
			giver = m.holder()
		}
		own := Mandate{Tenant: first.Tenant, Roles: Roles()[:0:0], ActAs: first.ActAs, Reach: first.Reach}
		for _, r := range first.Roles {
			if r.Known() {
				own.Roles = append(own.Roles, r)
			}
		}
		if err := first.MayGive(own, nil); (err == nil) != first.MayIn(KeysWrite, first.Tenant) {
			t.Fatalf("%+v may give what it has: %v", first, err)
		}
	}
	if given < 1000 {
		t.Errorf("%d mandates were given, too few to tell", given)
	}
}

// TestMayGive: what is refused, and what it says of it.
func TestMayGive(t *testing.T) {
	holder := func(tenant string, roles ...Role) *Principal {
		return Mandate{Tenant: tenant, Roles: roles}.holder()
	}
	scoped := holder("", Admin)
	scoped.Reach = reachOf(t, "llama2-*", "chat_completions score")
	for _, tt := range []struct {
		name  string
		giver *Principal
		m     Mandate
		part  string // that is refused; "": none
		says  string
	}{
		{"an admin gives models", holder("", Admin), Mandate{Roles: []Role{User}}, "", ""},
		{"an admin gives everything", holder("", Admin), Mandate{Roles: Roles(), ActAs: true, Tenant: "acme"}, "", ""},
		{"a tenant-admin gives models", holder("acme", TenantAdmin), Mandate{Roles: []Role{User, TenantAdmin}, ActAs: true, Tenant: "acme"}, "", ""},
		{"a tenant-admin goes to another tenant", holder("acme", TenantAdmin), Mandate{Roles: []Role{User}}, "tenant", `"default" is not one in which`},
		{"a tenant-admin makes an admin", holder("acme", TenantAdmin), Mandate{Roles: []Role{User, Admin}, Tenant: "acme"}, "roles", `"admin", which gives models:read`},
		{"a tenant-admin lets everything be seen", holder("", TenantAdmin), Mandate{Roles: []Role{Viewer}}, "roles", `"viewer", which gives models:read`},
		{"a viewer", holder("", User, Viewer), Mandate{Roles: []Role{User}}, "tenant", "write keys"},
		{"a role that there is not", holder("", Admin), Mandate{Roles: []Role{"root"}}, "roles", "there are user, viewer, tenant-admin and admin"},
		{"beyond the models", scoped, Mandate{Roles: []Role{User}, Reach: reachOf(t, "*", "score")}, "models", ""},
		{"beyond the endpoints", scoped, Mandate{Roles: []Role{User}, Reach: reachOf(t, "llama2-7b", "")}, "endpoints", ""},
		{"within the reach", scoped, Mandate{Roles: []Role{User}, Reach: reachOf(t, "llama2-7b llama2-7*", "score")}, "", ""},
		{"act-as by a role of its own", &Principal{Permissions: Everywhere(KeysWrite)}, Mandate{ActAs: true}, "act_as", "nor write users"},
		{"act-as by who has it", &Principal{Permissions: Everywhere(KeysWrite), ActAs: true}, Mandate{ActAs: true}, "", ""},
		{"act-as, in another tenant", &Principal{Permissions: Everywhere(KeysWrite), ActAs: true}, Mandate{ActAs: true, Tenant: "acme"}, "act_as", ""},
		{"nobody", new(Principal), Mandate{}, "tenant", ""},
	} {
		err := tt.giver.MayGive(tt.m, nil)
		var b *BeyondError
		if (err == nil) != (tt.part == "") || err != nil && (!errors.As(err, &b) || b.Part != tt.part || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v, want %q with %q", tt.name, err, tt.part, tt.says)
		}
	}
}
