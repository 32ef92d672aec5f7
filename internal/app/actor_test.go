package app_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestActorIsWhoHoldsTheKey: a key that may act for others changes nothing in their name: the audit
// has whose the key is.
func TestActorIsWhoHoldsTheKey(t *testing.T) {
	service := caller{name: "service", roles: []identity.Role{identity.Admin}, more: ", act-as: true", key: true}
	g := apptest.Start(t, apptest.Options{Auth: true, Server: fmt.Sprintf("data-directory: %q", t.TempDir()), Config: keysOf(t, []caller{service})})
	ask := func(method, path, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", service.credential())
		r.Header.Set("X-User-Id", "scapegoat")
		r.Header.Set("Content-Type", "application/json")
		status, text := answered(t, r)
		if status >= http.StatusBadRequest {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	ask(http.MethodPost, "/api/v1/admin/keys", `{"name":"n","user":"alice"}`)
	if audit := ask(http.MethodGet, "/api/v1/admin/audit", ""); !strings.Contains(audit, `"actor":"service"`) || strings.Contains(audit, "scapegoat") {
		t.Errorf("the audit says %s", audit)
	}
}

// answered sends r and returns the status and the body of the answer.
func answered(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(text)
}
