package gate

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// authenticator knows what it is made of; a credential that is "away" cannot be found out.
type authenticator map[string]*identity.Principal

var errAway = errors.New("away")

func (authenticator) Open() bool { return false }

func (a authenticator) Authenticate(_ context.Context, credential string) (identity.Proof, error) {
	p := a[credential]
	switch {
	case credential == "away":
		return identity.Proof{}, errAway
	case p == nil:
		return identity.Proof{}, identity.ErrUnknown
	}
	return identity.Proof{Principal: p}, nil
}

// TestIdentify: who a request is of, by its credential and the user that it names, and why it is
// of nobody.
func TestIdentify(t *testing.T) {
	known := authenticator{
		"k1": {User: "alice", Roles: []identity.Role{identity.User}},
		"k2": {User: "portal", Roles: []identity.Role{identity.User}, ActAs: true},
	}
	for _, tt := range []struct {
		name   string
		by     identity.Authenticator
		header http.Header
		user   string
		status int // of the refusal; 0: there is none
	}{
		{"a bearer", known, http.Header{"Authorization": {"Bearer k1"}}, "alice", 0},
		{"a bearer, in small letters and far off", known, http.Header{"Authorization": {"bearer   k1 "}}, "alice", 0},
		{"a key", known, http.Header{"X-Api-Key": {"k1"}}, "alice", 0},
		{"the same twice", known, http.Header{"X-Api-Key": {"k1"}, "Authorization": {"Bearer k1"}}, "alice", 0},
		{"two that differ", known, http.Header{"X-Api-Key": {"k1"}, "Authorization": {"Bearer k2"}}, "", 401},
		{"two of one field", known, http.Header{"X-Api-Key": {"k1", "k1"}}, "", 401},
		{"another scheme", known, http.Header{"Authorization": {"Basic k1"}}, "", 401},
		{"a scheme only", known, http.Header{"Authorization": {"Bearer"}}, "", 401},
		{"none", known, nil, "", 401},
		{"not known", known, http.Header{"X-Api-Key": {"k3"}}, "", 401},
		{"in the name of another", known, http.Header{"X-Api-Key": {"k2"}, "X-User-Id": {"bob"}}, "bob", 0},
		{"in the name of another, who may not", known, http.Header{"X-Api-Key": {"k1"}, "X-User-Id": {"bob"}}, "alice", 403},
		{"in its own name", known, http.Header{"X-Api-Key": {"k1"}, "X-User-Id": {"alice"}}, "alice", 0},
		{"in two names", known, http.Header{"X-Api-Key": {"k2"}, "X-User-Id": {"bob", "eve"}}, "portal", 400},
		{"in two names that were joined", known, http.Header{"X-Api-Key": {"k2"}, "X-User-Id": {"bob, eve"}}, "portal", 400},
		{"in no name", known, http.Header{"X-Api-Key": {"k2"}, "X-User-Id": {""}}, "portal", 400},
		{"in one that is no text", known, http.Header{"X-Api-Key": {"k2"}, "X-User-Id": {"\xff"}}, "portal", 400},
		{"anyone", identity.Anyone{}, nil, identity.Anonymous, 0},
		{"anyone, with what is no credential", identity.Anyone{}, http.Header{"Authorization": {"Basic x"}}, identity.Anonymous, 0},
		{"anyone, in a name", identity.Anyone{}, http.Header{"X-User-Id": {"bob"}}, "bob", 0},
		{"nobody is known", new(identity.Keys), http.Header{"X-Api-Key": {"k1"}}, "", 401},
	} {
		g := &Gate{Authenticator: func() identity.Authenticator { return tt.by }}
		p, err := g.Identify(t.Context(), tt.header)
		status := 0
		if err != nil {
			status = reply.StatusOf(failure.Of(err))
		}
		if p.User != tt.user || status != tt.status {
			t.Errorf("%s: %q with %v, want %q with %d", tt.name, p.User, err, tt.user, tt.status)
		}
	}
}

// TestIdentityIsAway: a credential that cannot be checked is nobody's fault, and not told to be
// unknown; the log has the cause. A client that has left meanwhile is told nothing.
func TestIdentityIsAway(t *testing.T) {
	g := &Gate{Authenticator: func() identity.Authenticator { return authenticator{} }}
	away := http.Header{"X-Api-Key": {"away"}}
	_, err := g.Identify(t.Context(), away)
	if told := failure.Of(err); told.Kind != failure.KindNoIdentity || told.RetryAfter == 0 || !strings.Contains(told.Error(), errAway.Error()) {
		t.Errorf("the client is told %v", told)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := g.Identify(ctx, away); failure.Of(err).Kind != failure.KindClientLeft {
		t.Errorf("a client that has left: %v", err)
	}
	known := &Gate{Authenticator: func() identity.Authenticator { return identity.Anyone{} }}
	if _, err := known.Identify(ctx, nil); err != nil {
		t.Errorf("a client that is known, and has left: %v", err)
	}
}

// refuses is an Authenticator that fails with what it is.
type refuses struct{ error }

func (refuses) Open() bool { return false }

func (r refuses) Authenticate(context.Context, string) (identity.Proof, error) {
	return identity.Proof{}, r.error
}

// TestRefusals: whoever knows more of a credential than that it is nobody's has the client told, and
// the log told which check it was.
func TestRefusals(t *testing.T) {
	refusal := &identity.Refusal{Message: "it has expired", Check: "expiry"}
	forbidden := &identity.Refusal{Message: "it names nobody", Check: "mapping", Forbidden: true}
	for _, tt := range []struct {
		err    error
		status int
		log    string
	}{
		{refusal, 401, "it has expired: the check expiry failed"},
		{forbidden, 403, "it names nobody: the check mapping failed"},
		{errors.Join(refusal, identity.ErrUnknown), 401, "it has expired: the check expiry failed"},
		{identity.ErrUnknown, 401, "the API key is not known"},
	} {
		g := &Gate{Authenticator: func() identity.Authenticator { return refuses{tt.err} }}
		_, err := g.Identify(t.Context(), http.Header{"Authorization": {"Bearer a.b.c"}})
		told := failure.Of(err)
		message, _, _ := strings.Cut(tt.log, ":")
		if reply.StatusOf(told) != tt.status || told.Error() != tt.log || told.Message != message {
			t.Errorf("%v: %d %v, of which the client is told %q", tt.err, reply.StatusOf(told), told, told.Message)
		}
	}
}

// TestPrincipal: who is known may look, and who has a permission at what asks for it. Of an open
// route nobody is asked for, and a rule that says nothing lets nobody in.
func TestPrincipal(t *testing.T) {
	of := func(user, tenant string, roles ...identity.Role) *identity.Principal {
		return &identity.Principal{User: user, Tenant: tenant, Roles: roles, Permissions: identity.PermissionsOf(roles)}
	}
	g := &Gate{Authenticator: func() identity.Authenticator {
		return authenticator{
			"u": of("alice", "", identity.User), "a": of("root", "", identity.Admin), "t": of("tom", "", identity.TenantAdmin),
			"other": of("tim", "acme", identity.TenantAdmin, identity.User), "none": of("nil", ""),
		}
	}}
	for _, tt := range []struct {
		rule     Rule
		key      string
		statuses [7]int // of u, a, t, other, none, an unknown one, and no credential
	}{
		{Open, "open", [7]int{}},
		{Known, "known", [7]int{5: 401, 6: 401}},
		{NeedsEverywhere(identity.UsageRead), "usage:read in every tenant", [7]int{403, 0, 403, 403, 403, 401, 401}},
		{NeedsInTenant(identity.UsageRead), "usage:read", [7]int{403, 0, 0, 0, 403, 401, 401}},
		{NeedsEverywhere(identity.ConfigRead), "config:read in every tenant", [7]int{403, 0, 403, 403, 403, 401, 401}},
		{NeedsEverywhere(identity.ModelsUse), "models:use in every tenant", [7]int{0, 403, 403, 0, 403, 401, 401}},
		{Rule{}, "nobody", [7]int{403, 403, 403, 403, 403, 401, 401}},
	} {
		if got := tt.rule.String(); got != tt.key || tt.rule.Open() != (got == "open") {
			t.Errorf("the rule %s is called %s, and is open: %v", tt.key, got, tt.rule.Open())
		}
		for i, key := range []string{"u", "a", "t", "other", "none", "x", ""} {
			r := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
			if key != "" {
				r.Header.Set("X-Api-Key", key)
			}
			p, refused := g.Principal(r, tt.rule)
			status := 0
			if refused != nil {
				status = reply.StatusOf(refused)
			}
			if status != tt.statuses[i] || tt.rule == Open && p.User != "" {
				t.Errorf("the key %q by the rule %s: %d, of %q, want %d: %v", key, tt.rule, status, p.User, tt.statuses[i], refused)
			}
		}
	}
}

// TestMuxWantsRules: nothing is served of which nobody has said who may ask it.
func TestMuxWantsRules(t *testing.T) {
	for pattern, rules := range map[string]Rules{
		"/none": nil, "/empty": {}, "/nobody": {http.MethodGet: {}}, "/some": {http.MethodGet: Known, http.MethodPost: {}},
		"/nothing": {http.MethodGet: NeedsEverywhere(0)},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is registered by the rules %v", pattern, rules)
				}
			}()
			new(Mux).Handle(pattern, rules, http.NotFoundHandler())
		}()
	}
	var m Mux
	m.Handle("/a/{b}", Rules{http.MethodGet: Known}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.PathValue("b")))
	}))
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a/c", nil))
	if list := m.Routes(); w.Body.String() != "c" || len(list) != 1 || list[0].Pattern != "/a/{b}" || list[0].Rules[http.MethodGet] != Known {
		t.Errorf("%q of the routes %v", w.Body, list)
	}
}

// refusing knows every credential, and takes none for the reason that it is made of.
type refusing struct{ identity.Refusal }

func (refusing) Open() bool { return false }

func (r refusing) Authenticate(context.Context, string) (identity.Proof, error) {
	return identity.Proof{}, &r.Refusal
}

// TestRefusalsHaveALine: a credential that is known and may not is 403, one that is not taken 401, and
// one that cannot be looked up 503, each with a line of its level that says who, as far as that is
// known.
func TestRefusalsHaveALine(t *testing.T) {
	for _, tt := range []struct {
		by          identity.Authenticator
		key, level  string
		status      int
		user, error string
	}{
		{authenticator{"k": {User: "alice", Credential: "laptop"}}, "k", "INFO", 403, "alice", "keys:read"},
		{authenticator{}, "away", "WARN", 503, "", "away"},
		{authenticator{}, "x", "INFO", 401, "", "not known"},
		{refusing{identity.Refusal{Message: "of no tenant", Forbidden: true}}, "t", "INFO", 403, "", "of no tenant"},
		{refusing{identity.Refusal{Message: "has expired"}}, "t", "INFO", 401, "", "has expired"},
	} {
		var b strings.Builder
		g := &Gate{Authenticator: func() identity.Authenticator { return tt.by }, Log: slog.New(slog.NewJSONHandler(&b, nil))}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Api-Key", tt.key)
		_, refused := g.Principal(r, NeedsInTenant(identity.KeysRead))
		var line struct {
			Level, User, Key, Error string
			Status                  int
		}
		if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
			t.Fatal(err)
		}
		if refused == nil || reply.StatusOf(refused) != tt.status || line.Status != tt.status || line.Level != tt.level || line.User != tt.user || (line.Key != "") != (tt.user != "") || !strings.Contains(line.Error, tt.error) {
			t.Errorf("%s: %v, and the line %s", tt.key, refused, b.String())
		}
	}
}

// TestDisabled: whoever is disabled does not come in, whatever the credential, nor is he named; the
// refusal says so, and is no 401. What custom roles give is as of the moment.
func TestDisabled(t *testing.T) {
	known := authenticator{
		"alice":   {User: "alice", Roles: []identity.Role{identity.User, "reader"}, Permissions: identity.Everywhere(identity.ModelsUse)},
		"mallory": {User: "mallory", Roles: []identity.Role{identity.User}}, "mallory of acme": {User: "mallory", Tenant: "acme"},
		"roof": {User: "mallory", Tenant: "roof"}, "portal": {User: "portal", ActAs: true}, "portal of acme": {User: "portal", Tenant: "acme", ActAs: true},
	}
	census := new(identity.Census).With(identity.Changes{
		Users: map[identity.Person]bool{{User: "mallory"}: true}, Tenants: map[string]bool{"roof": true},
		Roles: map[identity.Role]identity.PermissionSet{"reader": identity.Everywhere(identity.UsageRead)},
	})
	g := &Gate{Authenticator: func() identity.Authenticator { return known }, Census: func() *identity.Census { return census }}
	for _, tt := range []struct {
		key, named string
		code       string // of the refusal; "": there is none
		account    string
	}{
		{"alice", "", "", "alice"},
		{"mallory", "", "user_disabled", ""},
		{"mallory", "mallory", "user_disabled", ""},
		{"mallory of acme", "", "", ""},
		{"roof", "", "tenant_disabled", ""},
		{"portal", "bob", "", "bob"},
		{"portal", "mallory", "user_disabled", ""},
		{"portal of acme", "mallory", "", "tenant:acme/mallory"},
	} {
		h := http.Header{"X-Api-Key": {tt.key}}
		if tt.named != "" {
			h["X-User-Id"] = []string{tt.named}
		}
		p, err := g.Identify(t.Context(), h)
		code := ""
		if err != nil {
			f := failure.Of(err)
			if code = f.Kind.String(); reply.StatusOf(f) != http.StatusForbidden || p.User == "" || strings.Contains(err.Error(), "mallory") {
				t.Errorf("%s: %d for %q, %v", tt.key, reply.StatusOf(f), p.User, err)
			}
		} else if tt.named != "" && p.Account != tt.account {
			t.Errorf("%s as %s is charged to %q", tt.key, tt.named, p.Account)
		}
		if code != tt.code {
			t.Errorf("%s, naming %q: %q, want %q", tt.key, tt.named, code, tt.code)
		}
	}
	if p, err := g.Identify(t.Context(), http.Header{"X-Api-Key": {"alice"}}); err != nil || p.Permissions != identity.Everywhere(identity.ModelsUse, identity.UsageRead) {
		t.Errorf("a custom role gives %v, %v", p.Permissions.Names(), err)
	}
	if known["alice"].Permissions != identity.Everywhere(identity.ModelsUse) {
		t.Error("a principal that is shared was changed")
	}
	census = census.With(identity.Changes{Users: map[identity.Person]bool{{User: "mallory"}: false}, Roles: map[identity.Role]identity.PermissionSet{"reader": 0}})
	if _, err := g.Identify(t.Context(), http.Header{"X-Api-Key": {"mallory"}}); err != nil {
		t.Errorf("who is enabled again: %v", err)
	}
	if p, _ := g.Identify(t.Context(), http.Header{"X-Api-Key": {"alice"}}); p.Permissions != identity.Everywhere(identity.ModelsUse) {
		t.Errorf("a role that is gone gives %v", p.Permissions.Names())
	}
}
