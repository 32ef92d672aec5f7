package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestUsageOfTenants: usage is told of the user of one's own tenant, or of the one that is named to
// whom may see it; the same name in two tenants is two users.
func TestUsageOfTenants(t *testing.T) {
	var keys []string
	for name, more := range map[string]string{
		"alice": "user: alice, tenant: acme", "tom": "user: tom, tenant: acme, roles: [tenant-admin]",
		"root": "user: root, roles: [admin]", "one": "user: one, roles: [tenant-admin]",
	} {
		hash, err := identity.HashKey(fileKey(name))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("{name: %s, hash: %q, %s}", name, hash, more))
	}
	g := apptest.Start(t, apptest.Options{
		Auth: true, Limits: "{max-requests-per-day: 10}", Config: "auth: {api-keys: [" + strings.Join(keys, ", ") + "]}\n",
	})
	ask := func(method, path, key, body string) (status int, answer map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", fileKey(key))
		r.Header.Set("Content-Type", "application/json")
		a, err := g.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, answer
	}
	if status, answer := ask("POST", "/v1/chat/completions", "alice", `{"model":"`+apptest.Model+`","messages":[{"role":"user","content":"hi"}]}`); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	for _, tt := range []struct {
		key, query string
		status     int
		tenant     string
		used       float64
	}{
		{"root", "", 200, "default", 0}, {"root", "?tenant=acme", 200, "acme", 1}, {"root", "?tenant=default", 200, "default", 0},
		{"tom", "", 200, "acme", 1}, {"tom", "?tenant=acme", 200, "acme", 1}, {"tom", "?tenant=default", 403, "", 0},
		{"one", "", 200, "default", 0}, {"one", "?tenant=acme", 403, "", 0}, {"alice", "", 403, "", 0},
	} {
		status, answer := ask("GET", "/api/v1/admin/token-usage/"+apptest.Model+"/alice"+tt.query, tt.key, "")
		if status != tt.status {
			t.Errorf("%s%s: %d %v", tt.key, tt.query, status, answer)
		}
		if status != http.StatusOK {
			continue
		}
		used := answer["windows"].([]any)[0].(map[string]any)["used"]
		if answer["tenant"] != tt.tenant || answer["user"] != "alice" || used != tt.used {
			t.Errorf("%s%s is told of %v %v that %v is used", tt.key, tt.query, answer["tenant"], answer["user"], used)
		}
	}
	if _, me := ask("GET", "/api/v1/me", "alice", ""); me["tenant"] != "acme" || me["usage"].([]any)[0].(map[string]any)["tenant"] != "acme" {
		t.Errorf("alice is told %v", me)
	}
}
