package jwt

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

const (
	user  = identity.User
	admin = identity.Admin
)

// TestPublishedShapes: tokens in the shapes that identity providers document make the users that
// docs/authentication.md says. Names and numbers in them are made up.
func TestPublishedShapes(t *testing.T) {
	for _, tt := range []struct {
		file    string
		header  string
		types   []string
		id      bool
		require []Requirement
		mapping Mapping
		want    Claims
	}{
		{
			file: "keycloak.json", header: `{"alg":"RS256","typ":"JWT","kid":"1"}`, types: []string{TypeJWT},
			require: []Requirement{{pointer(t, "/typ"), "Bearer"}},
			mapping: Mapping{
				User: pointer(t, "/preferred_username"), Prefix: "corp:",
				Roles: []RoleRule{
					{pointer(t, "/resource_access/gateway/roles"), "llm-admin", admin},
					{pointer(t, "/realm_access/roles"), "llm-user", user},
				},
			},
			want: Claims{User: "corp:alice", Roles: []identity.Role{admin, user}},
		},
		{
			file: "keycloak.json", header: `{"alg":"RS256","typ":"JWT","kid":"1"}`, types: []string{TypeJWT},
			mapping: Mapping{User: pointer(t, "/email"), Roles: []RoleRule{{pointer(t, "/scope"), "email", admin}}},
			want:    Claims{User: "alice@example.com", Roles: []identity.Role{user, admin}},
		},
		{
			file: "entra.json", header: `{"typ":"JWT","alg":"RS256","kid":"1"}`, types: []string{TypeJWT},
			require: []Requirement{
				{pointer(t, "/tid"), "aaaabbbb-0000-cccc-1111-dddd2222eeee"}, {pointer(t, "/scp"), "LLM.Use"},
			},
			mapping: Mapping{
				User: pointer(t, "/oid"), Roles: []RoleRule{{pointer(t, "/roles"), "Gateway.Admin", admin}},
				Tenant: Tenant{Claim: pointer(t, "/tid")},
			},
			want: Claims{
				User: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb", Tenant: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
				Roles: []identity.Role{user, admin},
			},
		},
		{
			file: "google.json", header: `{"alg":"RS256","kid":"1","typ":"JWT"}`, types: []string{TypeJWT}, id: true,
			require: []Requirement{{pointer(t, "/hd"), "example.com"}},
			mapping: Mapping{User: pointer(t, "/email")},
			want:    Claims{User: "jane@example.com", Roles: []identity.Role{user}},
		},
		{
			file: "dex.json", header: `{"alg":"RS256","kid":"1"}`, types: []string{TypeJWT}, id: true,
			mapping: Mapping{
				User:   pointer(t, "/email"),
				Tenant: Tenant{Claim: pointer(t, "/groups"), Match: match(t, "^llm-([a-z0-9]+)$"), Value: "$1"},
				Roles:  []RoleRule{{pointer(t, "/groups"), "admins", admin}},
			},
			want: Claims{User: "kilgore@kilgore.trout", Tenant: "research", Roles: []identity.Role{user, admin}},
		},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		o, err := parseObject(b)
		if err != nil {
			t.Fatalf("%s: %v", tt.file, err)
		}
		i := issuer(t, "RS256", public(t, "RSA"))
		i.Name, i.Audiences = o["iss"].(string), []string{audienceOf(o)}
		i.Types, i.IDTokens, i.Require, i.Map = tt.types, tt.id, tt.require, tt.mapping
		exp, _ := expiry(o)
		token := sign(t, "RS256", tt.header, string(b))
		v, err := NewVerifier([]*Issuer{i}).Verify(token, exp.Add(-i.Leeway))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if diff := cmp.Diff(tt.want, v.Claims); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.file, diff)
		}
		i.IDTokens = false
		if _, err := NewVerifier([]*Issuer{i}).Verify(token, exp.Add(-i.Leeway)); tt.id != (failed(t, err) == CheckType) {
			t.Errorf("%s, where ID tokens are not taken: %v", tt.file, err)
		}
	}
}

func audienceOf(o object) string {
	if list, is := o["aud"].([]any); is {
		return list[0].(string)
	}
	return o["aud"].(string)
}

func match(t *testing.T, s string) (m *regexp.Regexp) {
	t.Helper()
	m, err := CompileMatch(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func reach(t *testing.T, models ...string) *identity.Reach {
	t.Helper()
	r, err := identity.NewReach(models, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMapping: what claims make of a user, and why they make none.
func TestMapping(t *testing.T) {
	sub := Mapping{User: pointer(t, "/sub")}
	tenants := sub
	tenants.Tenant = Tenant{Claim: pointer(t, "/groups"), Match: match(t, "llm-((?:t-)?(?:a|ab)|default)"), Value: "$1"}
	named := sub
	named.Tenant = Tenant{Claim: pointer(t, "/t")}
	roles := sub
	roles.Roles = []RoleRule{{pointer(t, "/groups"), "admins", admin}, {pointer(t, "/email"), "a@b", admin}}
	models := sub
	models.Models = pointer(t, "/models")
	limits := sub
	limits.Limits = pointer(t, "/limits")
	only := sub
	only.Roles = []RoleRule{{pointer(t, "/level"), "9007199254740993", user}}
	for name, tt := range map[string]struct {
		m      Mapping
		claims string
		want   Claims
		wrong  string // a part of the message; "": there is none
	}{
		"a user":                     {sub, `{"sub":"a"}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"no user":                    {sub, `{}`, Claims{}, "names no user: its claim /sub"},
		"a user that is null":        {sub, `{"sub":null}`, Claims{}, "names no user"},
		"no verified address":        {Mapping{User: pointer(t, "/email")}, `{"email":"a@b"}`, Claims{}, "not verified"},
		"an address that is not":     {Mapping{User: pointer(t, "/email")}, `{"email":"a@b","email_verified":false}`, Claims{}, "not verified"},
		"a word for true":            {Mapping{User: pointer(t, "/email")}, `{"email":"a@b","email_verified":"true"}`, Claims{}, "not verified"},
		"another's is verified":      {Mapping{User: pointer(t, "/x/email")}, `{"x":{"email":"a@b"},"email_verified":true}`, Claims{}, "not verified"},
		"an address":                 {Mapping{User: pointer(t, "/email")}, `{"email":"a@b","email_verified":true}`, Claims{User: "a@b", Roles: []identity.Role{user}}, ""},
		"an address in a list":       {Mapping{User: pointer(t, "/emails/0")}, `{"emails":["a@b"],"email_verified":true}`, Claims{User: "a@b", Roles: []identity.Role{user}}, ""},
		"none of a list is verified": {Mapping{User: pointer(t, "/emails/0")}, `{"emails":["a@b"],"email_verified":false}`, Claims{}, "not verified"},
		"an address in an object":    {Mapping{User: pointer(t, "/Email/value")}, `{"Email":{"value":"a@b","email_verified":true}}`, Claims{}, "not verified"},
		"an address deep down":       {Mapping{User: pointer(t, "/x/emails/1/value")}, `{"x":{"emails":[1,{"value":"a@b"}]},"email_verified":true}`, Claims{}, "not verified"},
		"the default tenant":         {named, `{"sub":"a","t":"default"}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"the default one, by groups": {tenants, `{"sub":"a","groups":["llm-default"]}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"a tenant":                   {tenants, `{"sub":"a","groups":["x","llm-t-ab"]}`, Claims{User: "a", Tenant: "t-ab", Roles: []identity.Role{user}}, ""},
		"a tenant twice":             {tenants, `{"sub":"a","groups":["llm-t-ab","llm-t-ab",7]}`, Claims{User: "a", Tenant: "t-ab", Roles: []identity.Role{user}}, ""},
		"a part of a value":          {tenants, `{"sub":"a","groups":["x-llm-ab","llm-abc","LLM-ab"]}`, Claims{}, "names no tenant"},
		"no groups":                  {tenants, `{"sub":"a"}`, Claims{}, "names no tenant"},
		"several tenants":            {tenants, `{"sub":"a","groups":["llm-a","llm-ab"]}`, Claims{}, "several tenants"},
		"too many groups":            {tenants, `{"sub":"a","_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://x"}}}`, Claims{}, "more groups than"},
		"too many groups, otherwise": {roles, `{"sub":"a","hasgroups":true}`, Claims{}, "more groups than"},
		"roles":                      {roles, `{"sub":"a","groups":["admins"]}`, Claims{User: "a", Roles: []identity.Role{user, admin}}, ""},
		"a group that has another":   {roles, `{"sub":"a","groups":["no admins","admins2"]}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"a text that has words":      {roles, `{"sub":"a","groups":"no admins"}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"a role by an address":       {roles, `{"sub":"a","email":"a@b"}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"only some are users":        {only, `{"sub":"a","level":9007199254740993}`, Claims{User: "a", Roles: []identity.Role{user}}, ""},
		"a number that is near":      {only, `{"sub":"a","level":9007199254740992}`, Claims{}, "no role"},
		"models":                     {models, `{"sub":"a","models":["m*","n"]}`, Claims{User: "a", Roles: []identity.Role{user}, Reach: reach(t, "m*", "n")}, ""},
		"no model":                   {models, `{"sub":"a","models":[]}`, Claims{User: "a", Roles: []identity.Role{user}, Reach: identity.Nothing}, ""},
		"a model without a name":     {models, `{"sub":"a","models":["m",""]}`, Claims{}, "is no name"},
		"too many models":            {models, `{"sub":"a","models":["m"` + strings.Repeat(`,"m"`, 100) + `]}`, Claims{}, "too many"},
		"models that nobody says":    {models, `{"sub":"a"}`, Claims{}, "which models"},
		"limits":                     {limits, `{"sub":"a","limits":{"m":{"max-tokens-per-minute":5}}}`, Claims{User: "a", Roles: []identity.Role{user}, Limits: map[string]any{"m": object{"max-tokens-per-minute": number("5")}}}, ""},
		"limits that are none":       {limits, `{"sub":"a","limits":5}`, Claims{}, "no object"},
	} {
		o, err := parseObject([]byte(tt.claims))
		if err != nil {
			t.Fatal(err)
		}
		got, f := tt.m.read(o)
		if (f == nil) != (tt.wrong == "") || f != nil && (!f.Forbidden || !strings.Contains(f.Message, tt.wrong)) {
			t.Errorf("%s: %v, want %q", name, f, tt.wrong)
		}
		if diff := cmp.Diff(tt.want, got); f == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestValuesOfTenants: a value names groups that its expression has, and no others, as the library
// reads it.
func TestValuesOfTenants(t *testing.T) {
	m := match(t, `llm-([a-z]+)-(?P<site>[a-z]+)`)
	for value, want := range map[string]string{
		"": "", "x": "", "$0": "", "$1": "", "team-$1.$2": "", "${1}_prod": "", "$site": "", "${site}s": "", "$$1": "", "$$$1": "",
		"team-$1_prod": "names a group that match has not, $1_prod", "$3": "$3", "$01": "$01", "$sites": "$sites", "${3}": "${3}", "$1$x": "$x",
		"$100000000000000000000": "$1000", "$": "a dollar is $$", "$-1": "a dollar is $$", "${1": "a dollar is $$", "${}": "a dollar is $$", "$1é": "$1é",
	} {
		err := CheckValue(m, value)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
		red, _ := (&Tenant{Match: m, Value: value}).of("llm-red-a")
		blue, _ := (&Tenant{Match: m, Value: value}).of("llm-blue-b")
		if apart := red != blue; err == nil && value != "x" && value != "$$1" && !apart {
			t.Errorf("%q is taken, and tells nobody apart: %q", value, red)
		}
	}
}

// TestRequirements: a claim is, or has, what is required of it, whatever its type.
func TestRequirements(t *testing.T) {
	for claims, want := range map[string]Check{
		`{"x":"42"}`: 0, `{"x":42}`: 0, `{"x":["1","42"]}`: 0, `{}`: CheckRequired, `{"x":"420"}`: CheckRequired,
		`{"x":42.0}`: CheckRequired, `{"x":[["42"]]}`: CheckRequired, `{"x":null}`: CheckRequired, `{"x":"4 42"}`: CheckRequired,
		`{"x":{"42":1}}`: CheckRequired,
	} {
		o, err := parseObject([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		r := Requirement{pointer(t, "/x"), "42"}
		f := r.check(o)
		if (f == nil) != (want == 0) || f != nil && f.Check != want {
			t.Errorf("%s: %v", claims, f)
		}
	}
}

func TestPointers(t *testing.T) {
	claims, err := parseObject([]byte(`{"a":{"b/c":{"~":1}},"l":["x",{"y":2}],"":3}`))
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]any{
		"/a/b~1c/~0": number("1"), "/l/0": "x", "/l/1/y": number("2"), "/l/2": nil, "/l/-1": nil, "/l/01": nil, "/l/x": nil, "/none": nil, "/l/0/x": nil,
	} {
		p := pointer(t, s)
		if got := p.in(claims); !cmp.Equal(got, want) || p.String() != s {
			t.Errorf("%s: %v, and it is %s", s, got, p)
		}
	}
	for _, s := range []string{"", "/", "sub", "/a~", "/a~2b", strings.Repeat("/a", 9), "#/a"} {
		if p, err := ParsePointer(s); err == nil {
			t.Errorf("%q: %v", s, p)
		}
	}
}
