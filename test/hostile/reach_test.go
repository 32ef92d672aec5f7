package hostile_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestModelsBeyondReach: a key for some models learns nothing of the others. Whatever it sends, what
// it gets of one that is served is what it gets of one that there is not; nobody is charged, and no
// model server asked.
func TestModelsBeyondReach(t *testing.T) {
	config := fmt.Sprintf("auth: {api-keys: [{name: some, user: sam, hash: %q, models: [mine*, 'llama2-7b?']}, {name: admin, user: adam, roles: [user, admin], hash: %q}]}\n",
		hashOf(t, "user"), hashOf(t, "admin"))
	g, r := start(t, apptest.Options{
		Auth: true, Config: config, Limits: everyMeter, Service: "unknown-fields: refuse, context-length: 4096",
		Services: `mine-too: {endpoints: [MOCK], served-as: llama2-7b}`,
	})
	ask := func(method, path, body string) answer {
		return send(t, g, method, path, fields{"Authorization": bearer("user")}, body)
	}
	same := func(what string, served, absent answer, absentName string) {
		t.Helper()
		if strings.ReplaceAll(absent.body, absentName, "llama2-7b") != served.body || served.status != absent.status {
			t.Errorf("%s: %d %s, and of a model that there is not %d %s", what, served.status, served.body, absent.status, absent.body)
		}
		for _, name := range []string{"X-Dropped-Fields", "Ratelimit", "X-Ratelimit-Limit-Tokens"} {
			if served.header.Get(name) != absent.header.Get(name) {
				t.Errorf("%s: %s is %q, and of a model that there is not %q", what, name, served.header.Get(name), absent.header.Get(name))
			}
		}
	}
	const absent = "llama2-7x" // of the same length
	for path, body := range bodies {
		for _, more := range []string{"", `"never_heard_of":1,`, `"priority":1,`, `"model":1,`} {
			served := strings.Replace(body, "{", "{"+more, 1)
			a := ask(http.MethodPost, path, served)
			same(path+" with "+more, a, ask(http.MethodPost, path, strings.Replace(served, "llama2-7b", absent, 1)), absent)
			if more == "" {
				wantFailure(t, path, a, http.StatusForbidden, "permission_denied")
			}
			if path == "/v1/messages/count_tokens" {
				continue // which is not behind models
			}
			a = ask(http.MethodPost, behind("llama2-7b", path), served)
			same("behind a model, "+path, a, ask(http.MethodPost, behind(absent, path), strings.Replace(served, "llama2-7b", absent, 1)), absent)
		}
	}
	for _, path := range []string{"/v1/models/%s", "/api/v1/models/%s", "/api/v1/models/%s/health"} {
		a := ask(http.MethodGet, fmt.Sprintf(path, "llama2-7b"), "")
		wantFailure(t, path, a, http.StatusNotFound, "model_not_found")
		same(path, a, ask(http.MethodGet, fmt.Sprintf(path, absent), ""), absent)
	}
	for _, path := range []string{"/v1/models", "/api/v1/models"} {
		if a := ask(http.MethodGet, path, ""); a.status != http.StatusOK || strings.Contains(a.body, "llama2-7b") || !strings.Contains(a.body, `"mine-too"`) {
			t.Errorf("%s lists %s", path, a.body)
		}
	}
	if got := used(t, g, "sam"); got != 0 {
		t.Errorf("%d requests are charged", got)
	}
	wantSent(t, r, 0)
	if a := ask(http.MethodPost, chatPath, strings.Replace(chat, "llama2-7b", "mine-too", 1)); a.status != http.StatusOK {
		t.Errorf("its own model: %d %s", a.status, a.body)
	}
	wantSent(t, r, 1)
}
