package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// me asks who c is.
func me(t *testing.T, g *apptest.Gateway, c caller, named string) (m admin.Me) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", c.credential())
	if named != "" {
		r.Header.Set("X-User-Id", named)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: %d, %v", c.name, a.StatusCode, a.Header)
	}
	if err := json.NewDecoder(a.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMe: whoever has a key is told whose it is, what it may do, and where its user stands on the
// models that it may use; of all users together only what limits them.
func TestMe(t *testing.T) {
	list := []caller{
		{name: "user", roles: []identity.Role{identity.User}, key: true},
		{name: "admin", roles: []identity.Role{identity.Admin}, key: true},
		{name: "service", roles: []identity.Role{identity.User, identity.TenantAdmin}, more: ", act-as: true, models: ['llama2-*'], endpoints: [chat_completions]", key: true},
		{name: "elsewhere", roles: []identity.Role{identity.User}, more: ", models: [qwen]", key: true},
	}
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: keysOf(t, list), Services: "qwen: {endpoints: [MOCK], served-as: llama2-7b}",
		Limits: "{max-tokens-per-minute: 1000, max-concurrent-requests: 10, total: {max-requests-per-day: 50}}",
	})
	q := question{method: http.MethodPost, path: "/v1/chat/completions", body: `{"model":"llama2-7b","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}`}
	if status := statusFor(t, g, q, list[0]); status != http.StatusOK {
		t.Fatal(status)
	}
	for i, want := range []admin.Me{
		{User: "user", Tenant: "default", Credential: "user", Roles: list[0].roles, Permissions: []string{"models:use"}},
		{User: "admin", Tenant: "default", Credential: "admin", Roles: list[1].roles, Permissions: identity.Admin.Gives().Names()},
		{
			User: "customer", Tenant: "default", Credential: "service", Roles: list[2].roles, ActAs: true,
			Permissions: []string{"models:use", "usage:read", "keys:read", "keys:write", "users:read", "users:write"},
			Models:      []string{"llama2-*"}, Endpoints: []string{"chat_completions"},
		},
		{User: "elsewhere", Tenant: "default", Credential: "elsewhere", Roles: list[3].roles, Permissions: []string{"models:use"}, Models: []string{"qwen"}},
	} {
		named := map[int]string{2: "customer"}[i]
		got := me(t, g, list[i], named)
		var models []string
		for _, u := range got.Usage {
			models = append(models, u.Model)
			for _, w := range u.Windows {
				if u.User != want.User || w.Scope == "model" && w.Limit == nil {
					t.Errorf("%s is told %+v of %s", want.User, w, u.User)
				}
			}
			for _, c := range u.Concurrency {
				if c.Scope != "user" {
					t.Errorf("%s is told what runs: %+v", want.User, c)
				}
			}
		}
		if diff := cmp.Diff([][]string{{"llama2-7b", "qwen"}, nil, {"llama2-7b"}, {"qwen"}}[i], models); diff != "" {
			t.Errorf("%s is told of the models (-want +got):\n%s", want.User, diff)
		}
		if i == 0 && (got.Usage[0].Windows[0].Used == 0 || *got.Usage[0].Windows[0].Limit != 1000) {
			t.Errorf("its use is %+v", got.Usage[0])
		}
		if got.Usage == nil {
			t.Error("the usage is left out, and the store answers")
		}
		got.Usage = nil
		want.InTenant = [][]string{{}, {}, want.Permissions[1:], {}}[i%4]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("who it is (-want +got):\n%s", diff)
		}
	}
}

// TestMeWithoutStore: who is who is told all the same.
func TestMeWithoutStore(t *testing.T) {
	redis := redistest.Start(t)
	user := caller{name: "user", roles: []identity.Role{identity.User}, key: true}
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keysOf(t, []caller{user}), Redis: redis.Addr, Limits: "{max-tokens-per-minute: 1000}"})
	if m := me(t, g, user, ""); len(m.Usage) != 1 {
		t.Errorf("with the store %+v", m)
	}
	redis.Stop()
	if m := me(t, g, user, ""); m.User != "user" || m.Usage != nil {
		t.Errorf("without the store %+v", m)
	}
}
