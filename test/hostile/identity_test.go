package hostile_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// keyring is the section auth with a key for a user, one for an admin who may use
// models too, one for an admin who may not, and one that may act for others.
func keyring(t testing.TB) string {
	t.Helper()
	var lines []string
	for name, more := range map[string]string{
		"user": "user: ursula, roles: [user]", "admin": "user: adam, roles: [user, admin]",
		"operator": "user: olga, roles: [admin], act-as: true", "service": "user: serge, roles: [user], act-as: true",
	} {
		hash, err := identity.HashKey(key(name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("{name: %s, hash: %q, %s}", name, hash, more))
	}
	return "auth: {api-keys: [" + strings.Join(lines, ", ") + "]}\n"
}

// bearer returns the Authorization of a key.
func bearer(name string) string { return "Bearer " + key(name) }

// TestCredentials sends credentials in every way.
func TestCredentials(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t), Limits: everyMeter})
	served := 0
	for what, tt := range map[string]struct {
		f  fields
		ok bool
	}{
		"a bearer":                {fields{"Authorization": bearer("user")}, true},
		"a bearer in small":       {fields{"Authorization": "bearer " + key("user")}, true},
		"a bearer with spaces":    {fields{"Authorization": "Bearer   " + key("user")}, true},
		"X-API-Key":               {fields{"X-API-Key": key("user")}, true},
		"both, the same":          {fields{"Authorization": bearer("user"), "X-API-Key": key("user")}, true},
		"nothing":                 {fields{}, false},
		"two that differ":         {fields{"Authorization": bearer("user"), "X-API-Key": key("admin")}, false},
		"one known, one not":      {fields{"Authorization": bearer("user"), "X-API-Key": "nonsense"}, false},
		"one not known, one is":   {fields{"Authorization": "Bearer nonsense", "X-API-Key": key("user")}, false},
		"unknown":                 {fields{"Authorization": "Bearer " + key("nobody")}, false},
		"its first half":          {fields{"Authorization": "Bearer " + key("user")[:20]}, false},
		"one byte more":           {fields{"Authorization": bearer("user") + "k"}, false},
		"in other letters":        {fields{"Authorization": "Bearer " + strings.ToUpper(key("user"))}, false},
		"the hash":                {fields{"Authorization": "Bearer " + hashOf(t, "user")}, false},
		"basic":                   {fields{"Authorization": "Basic " + key("user")}, false},
		"no scheme":               {fields{"Authorization": key("user")}, false},
		"an empty bearer":         {fields{"Authorization": "Bearer "}, false},
		"only a name":             {fields{"X-User-ID": "ursula"}, false},
		"a basic one and a key":   {fields{"Authorization": "Basic x", "X-API-Key": key("user")}, false},
		"two in one line":         {fields{"Authorization": bearer("user") + ", " + bearer("user")}, false},
		"in the query only":       {fields{"X-Other": key("user")}, false},
		"as a cookie":             {fields{"Cookie": "Authorization=" + bearer("user")}, false},
		"for the next proxy only": {fields{"Proxy-Authorization": bearer("user")}, false},
	} {
		a := send(t, g, http.MethodPost, chatPath+"?api_key="+key("user"), tt.f, chat)
		if tt.ok {
			served++
			if a.status != http.StatusOK {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
			continue
		}
		f := wantFailure(t, what, a, http.StatusUnauthorized, "invalid_api_key")
		if a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", what)
		}
		unread := send(t, g, http.MethodPost, chatPath, tt.f, "{")
		wantFailure(t, what+", with a bad body", unread, http.StatusUnauthorized, "invalid_api_key")
		if strings.Contains(a.body, key("user")[:20]) || f.Outer != "" {
			t.Errorf("%s: %s", what, a.body)
		}
		for _, path := range []string{"/v1/messages", "/v1/messages/count_tokens", behind("llama2-7b", "/v1/messages")} {
			f = wantFailure(t, what, send(t, g, http.MethodPost, path, tt.f, bodies["/v1/messages"]), http.StatusUnauthorized, "invalid_api_key")
			if f.Outer != "error" || f.Type != "authentication_error" {
				t.Errorf("%s: not in Anthropic's shape: %+v", what, f)
			}
		}
		for _, path := range []string{"/v1/models", "/api/v1/models", "/api/v1/models/llama2-7b", "/api/v1/models/llama2-7b/health", "/api/v1/admin/token-usage/llama2-7b/x", "/actuator/env"} {
			wantFailure(t, what+" on "+path, send(t, g, http.MethodGet, path, tt.f, ""), http.StatusUnauthorized, "invalid_api_key")
		}
	}
	wantSent(t, r, served)
}

// TestTwoHeaderLines sends the same field twice, which a header map hides.
func TestTwoHeaderLines(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t)})
	for _, lines := range [][]string{
		{"Authorization: " + bearer("user"), "Authorization: " + bearer("admin")},
		{"X-API-Key: " + key("user"), "x-api-key: " + key("admin")},
		{"Authorization: ", "Authorization: " + bearer("user")},
	} {
		list := exchange(t, g, "two lines", head(postChat, append(lines, "Connection: close", length(len(chat)))...)+chat)
		if len(list) != 1 || list[0].status != http.StatusUnauthorized {
			t.Errorf("%v", list)
		}
	}
	wantSent(t, r, 0)
}

// TestTwoUsers: a caller that serves users of its own, and adds its header behind
// its client's, has nobody charged, also where a proxy has joined the two; nor has
// one whose user has no name.
func TestTwoUsers(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t)})
	for _, lines := range [][]string{
		{"X-User-ID: mallory", "X-User-ID: alice"},
		{"X-User-ID: alice", "x-user-id: alice"},
		{"X-User-ID: mallory, alice"},
		{"X-User-ID: mallory,alice"},
		{"X-User-ID: ,"},
		{"X-User-ID:"},
	} {
		for _, name := range []string{"service", "user"} {
			lines := append(slices.Clone(lines), "Authorization: "+bearer(name), "Connection: close", length(len(chat)))
			list := exchange(t, g, "two users", head(postChat, lines...)+chat)
			if len(list) != 1 || list[0].status != http.StatusBadRequest || !strings.Contains(list[0].body, "X-User-ID") {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
	wantSent(t, r, 0)
}

func hashOf(t testing.TB, name string) string {
	t.Helper()
	hash, err := identity.HashKey(key(name))
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// used returns how many requests a user has made, by the admin's view.
func used(t testing.TB, g *apptest.Gateway, user string) int64 {
	t.Helper()
	a := send(t, g, http.MethodGet, "/api/v1/admin/token-usage/llama2-7b/"+user, fields{"Authorization": bearer("admin")}, "")
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	u := usageOf(t, a)
	for _, w := range u.Windows {
		if w.Meter == "requests" {
			return w.Used
		}
	}
	t.Fatalf("there is no limit of requests: %s", a.body)
	return 0
}

// TestActing sends X-User-ID with each key: one that may act for others charges the
// user who is named, the others may name their own user only, and nobody is charged
// where they name another one.
func TestActing(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t), Limits: everyMeter})
	for _, tt := range []struct{ key, named, charged string }{
		{"user", "ursula", "ursula"}, {"admin", "adam", "adam"}, {"user", "", "ursula"},
		{"service", "customer", "customer"}, {"service", "", "serge"}, {"service", "serge", "serge"},
		{"service", strings.Repeat("u", 256), strings.Repeat("u", 256)},
	} {
		before := used(t, g, tt.charged)
		a := send(t, g, http.MethodPost, chatPath, fields{"Authorization": bearer(tt.key), "X-User-ID": tt.named}, chat)
		if a.status != http.StatusOK {
			t.Errorf("%s for %s: %d %s", tt.key, tt.named, a.status, a.body)
		}
		if got := used(t, g, tt.charged); got != before+1 {
			t.Errorf("%s for %.9s: %.9s has %d requests, and had %d", tt.key, tt.named, tt.charged, got, before)
		}
	}
	served := len(r.all())
	for _, name := range []string{strings.Repeat("u", 257), strings.Repeat("한", 86), "\xff\xfe"} {
		for _, k := range []string{"service", "user"} {
			a := send(t, g, http.MethodPost, chatPath, fields{"Authorization": bearer(k), "X-User-ID": name}, chat)
			wantFailure(t, "a bad name", a, http.StatusBadRequest, "invalid_request")
		}
	}
	for k, user := range map[string]string{"user": "ursula", "admin": "adam"} {
		before := used(t, g, user)
		for _, name := range []string{"victim", "Ursula", "ursula2", "anonymous", "serge"} {
			for path, shape := range map[string]string{chatPath: "", "/v1/messages": "error"} {
				a := send(t, g, http.MethodPost, path, fields{"Authorization": bearer(k), "X-User-ID": name}, bodies[path])
				f := wantFailure(t, k+" for "+name, a, http.StatusForbidden, "permission_denied")
				if f.Outer != shape || !strings.Contains(f.Message, "leave X-User-ID out") || !strings.Contains(f.Message, "act-as") {
					t.Errorf("%s for %s on %s: %s", k, name, path, a.body)
				}
			}
			a := send(t, g, http.MethodGet, "/v1/models", fields{"Authorization": bearer(k), "X-User-ID": name}, "")
			wantFailure(t, k+" for "+name+" at the models", a, http.StatusForbidden, "permission_denied")
		}
		if got := used(t, g, user); got != before || used(t, g, "victim") != 0 {
			t.Errorf("%s has %d requests and had %d, or the victim some", user, got, before)
		}
	}
	wantSent(t, r, served)
	if logged := g.Logs.String(); strings.Contains(logged, "victim") || !strings.Contains(logged, "leave X-User-ID out") {
		t.Errorf("the log names users who could be anybody's, or does not tell of the refusals: %s", logged)
	}
	a := send(t, g, http.MethodGet, "/api/v1/admin/token-usage/llama2-7b/%ff%fe", fields{"Authorization": bearer("admin")}, "")
	wantFailure(t, "the usage of a bad name", a, http.StatusBadRequest, "invalid_request")
}

// TestOperatorCallsNoModel: who has the role admin only sees everything and calls no
// model, whoever's name is given.
func TestOperatorCallsNoModel(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t), Limits: everyMeter})
	for path, body := range bodies {
		for _, f := range []fields{{"Authorization": bearer("operator")}, {"X-API-Key": key("operator"), "X-User-ID": "customer"}} {
			failed := wantFailure(t, path, send(t, g, http.MethodPost, path, f, body), http.StatusForbidden, "permission_denied")
			if !strings.Contains(failed.Message, "give it the role user") {
				t.Errorf("%s: there is no remedy in %q", path, failed.Message)
			}
		}
	}
	for _, path := range []string{"/v1/models", "/api/v1/models", "/api/v1/models/llama2-7b", "/api/v1/models/llama2-7b/health", "/api/v1/admin/token-usage/llama2-7b/olga", "/actuator/env"} {
		if a := send(t, g, http.MethodGet, path, fields{"Authorization": bearer("operator")}, ""); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if used(t, g, "olga") != 0 || used(t, g, "customer") != 0 {
		t.Error("somebody is charged")
	}
	wantSent(t, r, 0)
}

// TestAdminPaths asks each path with each key.
func TestAdminPaths(t *testing.T) {
	g, _ := start(t, apptest.Options{
		Auth: true, Config: keyring(t), Limits: everyMeter, Service: `api-key: "own-secret"`,
	})
	for path, open := range map[string]bool{
		"/api/v1/admin/token-usage/llama2-7b/ursula": false, "/actuator/env": false,
		"/actuator/health": true, "/actuator/health/liveness": true, "/actuator/health/readiness": true, "/actuator/prometheus": true, "/actuator/info": true,
	} {
		for _, name := range []string{"", "nobody", "user", "service", "admin", "operator"} {
			f := fields{}
			if name != "" {
				f["Authorization"] = bearer(name)
			}
			a := send(t, g, http.MethodGet, path, f, "")
			switch what := name + " at " + path; {
			case open || name == "admin" || name == "operator":
				if a.status != http.StatusOK {
					t.Errorf("%s: %d %s", what, a.status, a.body)
				}
			case name == "" || name == "nobody":
				wantFailure(t, what, a, http.StatusUnauthorized, "invalid_api_key")
			default:
				wantFailure(t, what, a, http.StatusForbidden, "permission_denied")
			}
		}
	}
	env := send(t, g, http.MethodGet, "/actuator/env", fields{"Authorization": bearer("admin")}, "")
	if strings.Contains(env.body, "own-secret") || strings.Contains(env.body, hashOf(t, "user")[7:]) || !strings.Contains(env.body, `api-key":{"value":"***"}`) {
		t.Errorf("the environment shows secrets, or nothing:\n%s", env.body)
	}
	for _, name := range []string{"user", "admin"} {
		a := send(t, g, http.MethodGet, "/api/v1/models", fields{"Authorization": bearer(name)}, "")
		if strings.Contains(a.body, "endpoints") != (name == "admin") || a.status != http.StatusOK {
			t.Errorf("%s sees the models as %s", name, a.body)
		}
	}
}

// TestWithoutAuthentication lets everybody in as admin, under the name given.
func TestWithoutAuthentication(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeter})
	for name, charged := range map[string]string{"": "anonymous", "bob": "bob"} {
		send(t, g, http.MethodPost, chatPath, fields{"X-User-ID": name, "Authorization": "Bearer whatever"}, chat)
		if w := g.Usage(t, charged).Windows; w[len(w)-1].Used != 1 {
			t.Errorf("%s is charged %+v", charged, w)
		}
	}
	if a := send(t, g, http.MethodGet, "/actuator/env", nil, ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	long := send(t, g, http.MethodPost, chatPath, fields{"X-User-ID": strings.Repeat("u", 257)}, chat)
	wantFailure(t, "a long name", long, http.StatusBadRequest, "invalid_request")
}
