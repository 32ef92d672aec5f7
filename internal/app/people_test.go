package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry/database"
)

// asking is two gateways with one control database, which a third hand writes.
type asking struct {
	store    registry.Store
	gateways []*apptest.Gateway
}

// as is who makes the changes.
var as = registry.Write{Act: registry.Act{Actor: "root", Credential: "operator"}}

// newAsking starts them. Of the keys of the file there are those of alice, of alice of acme, of a
// portal that may act for others, and of an auditor by a custom role.
func newAsking(t *testing.T, i *issuing) *asking {
	t.Helper()
	var keys []string
	for name, more := range map[string]string{
		"alice": "user: alice", "acme": "user: alice, tenant: acme", "portal": "user: portal, act-as: true",
		"auditor": "user: auditor, roles: [auditor]",
	} {
		hash, err := identity.HashKey(fileKey(name))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("{name: %s, hash: %q, %s}", name, hash, more))
	}
	url := postgrestest.Start(t).URL(t, "control")
	d, err := database.Open(database.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a := &asking{store: d}
	o := apptest.Options{
		Auth: true, Redis: redistest.Start(t).Addr, Limits: "{max-requests-per-day: 100}",
		Config: strings.Replace(i.yaml(""), "auth: {", "auth: {api-keys: ["+strings.Join(keys, ", ")+"], ", 1) +
			fmt.Sprintf("database: {url: %q}\n", url),
	}
	for range 2 {
		a.gateways = append(a.gateways, apptest.Start(t, o))
	}
	return a
}

// fileKey is the key of the file with that name.
func fileKey(name string) string { return strings.Repeat(name+"-", 40)[:40] }

// key creates a key of the control database, and returns its secret.
func (a *asking) key(t *testing.T, user, tenant string, roles ...identity.Role) string {
	t.Helper()
	secret := registry.NewSecret()
	_, err := a.store.Create(t.Context(), registry.Key{
		Name: "k", User: user, Tenant: tenant, Roles: roles, Secrets: []registry.Secret{{Hash: registry.HashOf(secret)}},
	}, as)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// become waits until a request at each gateway is answered with a status and a code; "": none.
func (a *asking) become(t *testing.T, path, key, named string, status int, code string) {
	t.Helper()
	for n, g := range a.gateways {
		for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+key)
			if named != "" {
				r.Header.Set("X-User-ID", named)
			}
			answer, err := g.Client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var body struct {
				Error struct{ Code, Message string }
			}
			_ = json.NewDecoder(answer.Body).Decode(&body)
			answer.Body.Close()
			if answer.StatusCode == status && body.Error.Code == code {
				break
			}
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("the gateway %d answers %s for %q with %d %+v, want %d %q", n, path, named, answer.StatusCode, body, status, code)
			}
		}
	}
}

// TestDisabledUsers: a user that is disabled is refused on every gateway with each credential, a
// JWT that was remembered among them, and cannot be named; others, and the user of the same name in
// another tenant, go on. What is enabled again is served.
func TestDisabledUsers(t *testing.T) {
	t.Parallel()
	i := newIssuing(t)
	a := newAsking(t, i)
	const models = "/v1/models"
	secret := a.key(t, "alice", "", identity.User)
	of := map[string]string{"the database": secret, "the file": fileKey("alice"), "a JWT": i.token}
	for _, key := range of {
		a.become(t, models, key, "", http.StatusOK, "")
	}
	put := func(disabled bool) {
		t.Helper()
		if _, err := a.store.Users().Put(t.Context(), registry.UserID("", "alice"), as, func(u *registry.User, _ registry.Standing) error {
			u.Disabled = disabled
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	put(true)
	for _, key := range of {
		a.become(t, models, key, "", http.StatusForbidden, "user_disabled")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	a.become(t, models, fileKey("portal"), "alice", http.StatusForbidden, "user_disabled")
	a.become(t, models, fileKey("portal"), "bob", http.StatusOK, "")
	a.become(t, models, fileKey("acme"), "", http.StatusOK, "")
	put(false)
	for _, key := range of {
		a.become(t, models, key, "", http.StatusOK, "")
	}
	if _, err := a.store.Tenants().Put(t.Context(), registry.TenantID("acme"), as, func(u *registry.Tenant, _ registry.Standing) error {
		u.Disabled = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	a.become(t, models, fileKey("acme"), "", http.StatusForbidden, "tenant_disabled")
	a.become(t, models, fileKey("alice"), "", http.StatusOK, "")
}

// TestCustomRoles: what a custom role gives is what it says at the moment, for keys of the file and
// of the database; without the role, it is nothing.
func TestCustomRoles(t *testing.T) {
	t.Parallel()
	a := newAsking(t, newIssuing(t))
	const usage = "/api/v1/admin/token-usage/" + apptest.Model + "/alice"
	id := registry.RoleID("auditor")
	write := func(everywhere, inTenant []string) {
		t.Helper()
		if _, err := a.store.Roles().Put(t.Context(), id, as, func(r *registry.Role, _ registry.Standing) error {
			r.Permissions, r.TenantPermissions = everywhere, inTenant
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	a.become(t, usage, fileKey("auditor"), "", http.StatusForbidden, "permission_denied")
	write([]string{"usage:read"}, nil)
	secret, other := a.key(t, "eve", "", "auditor"), a.key(t, "eve", "acme", "auditor")
	for _, key := range []string{secret, other, fileKey("auditor")} {
		a.become(t, usage, key, "", http.StatusOK, "")
	}
	write(nil, []string{"usage:read"})
	a.become(t, usage+"?tenant=default", other, "", http.StatusForbidden, "permission_denied")
	a.become(t, usage, other, "", http.StatusOK, "") // of the alice of acme
	for _, key := range []string{secret, fileKey("auditor")} {
		a.become(t, usage, key, "", http.StatusOK, "")
	}
	write([]string{"audit:read"}, nil)
	for _, key := range []string{secret, other, fileKey("auditor")} {
		a.become(t, usage, key, "", http.StatusForbidden, "permission_denied")
	}
}

// TestAccountsOfTenants: users of the same name in two tenants are charged apart, and each is told
// its own name.
func TestAccountsOfTenants(t *testing.T) {
	t.Parallel()
	i := newIssuing(t)
	a := newAsking(t, i)
	g := a.gateways[0]
	const body = `{"model":"` + apptest.Model + `","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`
	secret := a.key(t, "alice", "acme", identity.User)
	a.become(t, "/v1/models", secret, "", http.StatusOK, "")
	for key, times := range map[string]int{fileKey("alice"): 1, fileKey("acme"): 2, secret: 3} {
		for range times {
			r := g.Request(t.Context(), "/v1/chat/completions", "", body)
			r.Header.Set("Authorization", "Bearer "+key)
			answer, err := g.Client.Do(r)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatal(answer, err)
			}
			answer.Body.Close()
		}
	}
	for key, want := range map[string]string{
		fileKey("alice"): "alice of default, 1", fileKey("acme"): "alice of acme, 5", secret: "alice of acme, 5",
	} {
		var me struct {
			User, Tenant string
			Usage        []struct {
				User    string
				Windows []struct {
					Meter string
					Used  int
				}
			}
		}
		_, text := apptest.Fetch(t, g.Client, g.URL+"/api/v1/me", key)
		if err := json.Unmarshal([]byte(text), &me); err != nil {
			t.Fatal(err)
		}
		used := 0
		for _, u := range me.Usage {
			for _, w := range u.Windows {
				if w.Meter == "requests" {
					used = w.Used
				}
			}
			if u.User != "alice" {
				t.Errorf("the usage is of %q", u.User)
			}
		}
		if got := fmt.Sprintf("%s of %s, %d", me.User, me.Tenant, used); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
	if log := g.Logs.String(); !strings.Contains(log, "acme") || strings.Contains(log, "tenant:acme") {
		t.Error("the log does not have the tenant, or has the account")
	}
}
