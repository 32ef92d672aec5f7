package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/postgrestest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// caller is somebody who asks routes.
type caller struct {
	name  string
	roles []identity.Role
	more  string // of the key: its reach
	key   bool   // that the gateway knows

	secret            string // that the control database made; "": the key is the file's
	models, endpoints []string
}

// everybody returns one with each role, one with all and one with none that is known, and those whose
// keys reach another model only, or another endpoint.
func everybody() []caller {
	list := []caller{
		{name: "nobody"}, {name: "stranger"}, {name: "everything", roles: identity.Roles(), key: true},
		{name: "elsewhere", roles: identity.Roles(), more: ", models: [other, llama2-70*]", key: true, models: []string{"other", "llama2-70*"}},
		{name: "detokenizer", roles: identity.Roles(), more: ", endpoints: [detokenize]", key: true, endpoints: []string{"detokenize"}},
	}
	for _, r := range identity.Roles() {
		list = append(list, caller{name: string(r), roles: []identity.Role{r}, key: true})
	}
	return list
}

// credential is what a caller sends.
func (c caller) credential() string {
	if c.secret != "" {
		return c.secret
	}
	return strings.Repeat(c.name+"-", 40)[:40]
}

// may reports whether the caller's roles have the permission in the default tenant.
func (c caller) may(p identity.Permission) bool {
	return slices.ContainsFunc(c.roles, func(r identity.Role) bool { return r.Gives().InTenant(p) })
}

// keysOf renders the keys of callers.
func keysOf(t *testing.T, list []caller) string {
	t.Helper()
	var keys []string
	for _, c := range list {
		if !c.key {
			continue
		}
		hash, err := identity.HashKey(c.credential())
		if err != nil {
			t.Fatal(err)
		}
		var roles []string
		for _, r := range c.roles {
			roles = append(roles, string(r))
		}
		keys = append(keys, fmt.Sprintf("{name: %s, user: %[1]s, hash: %q, roles: [%s]%s}",
			c.name, hash, strings.Join(roles, ", "), c.more))
	}
	return "auth: {api-keys: [" + strings.Join(keys, ", ") + "]}\n"
}

// operations are bodies for endpoints, less the model.
var operations = map[wire.Endpoint]string{
	wire.ChatCompletions: `"messages":[{"role":"user","content":"hi"}]`, wire.Completions: `"prompt":"hi"`,
	wire.Embeddings: `"input":"hi"`, wire.Responses: `"input":"hi"`,
	wire.Messages: `"max_tokens":1,"messages":[{"role":"user","content":"hi"}]`, wire.CountTokens: `"messages":[{"role":"user","content":"hi"}]`,
	wire.Rerank: `"query":"q","documents":["a"]`, wire.Score: `"text_1":"a","text_2":"b"`,
	wire.Pooling: `"input":"hi"`, wire.Classify: `"input":"hi"`, wire.Tokenize: `"prompt":"hi"`, wire.Detokenize: `"tokens":[1]`,
}

// question is a route with a method, made something that can be asked.
type question struct {
	method, pattern, path, body string
	rule                        gate.Rule
	model                       bool // its path or body names the model
	endpoint                    wire.Endpoint
}

// questions returns all of a route.
func questions(r gate.Route) (list []question) {
	fill := strings.NewReplacer("{model...}", apptest.Model, "{model}", apptest.Model, "{user}", "alice", "{tenant}", "default", "{role}", "reader", "{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
	for method, rule := range r.Rules {
		q := question{method: method, pattern: r.Pattern, path: fill.Replace(r.Pattern), rule: rule, model: strings.Contains(r.Pattern, "{model")}
		for _, e := range wire.Endpoints {
			if slices.Contains(e.Paths(), q.path) || q.path == "/api/v1/models/"+apptest.Model+e.Operation() {
				q.endpoint, q.model, q.body = e, true, `{"model":"`+apptest.Model+`",`+operations[e]+`}`
			}
		}
		if strings.HasPrefix(q.path, "/debug/pprof/") {
			q.path += map[string]string{"profile": "?seconds=1", "trace": "?seconds=0.01"}[strings.TrimPrefix(q.path, "/debug/pprof/")]
		}
		if method == gate.AnyMethod {
			q.method = http.MethodGet
		}
		list = append(list, q)
		if method == http.MethodGet {
			q.method = http.MethodHead
			list = append(list, q)
		}
	}
	return list
}

// let reports whether a status says that the caller was let in.
func let(status int) bool { return status != http.StatusUnauthorized && status != http.StatusForbidden }

// check returns what is wrong with the status that a caller got; "" where nothing is.
func (q *question) check(c caller, status int) string {
	use, permission := q.endpoint != 0, q.rule.Permission()
	switch {
	case q.rule == gate.Open:
		if !let(status) {
			return "an open route"
		}
	case !c.key && status != http.StatusUnauthorized:
		return "somebody who is not known: want 401"
	case !c.key:
	case q.rule != gate.Known && !c.may(permission):
		if status != http.StatusForbidden {
			return "who lacks the permission: want 403"
		}
	case use && c.name == "detokenizer":
		if (status == http.StatusOK) != (q.endpoint == wire.Detokenize) || let(status) != (status == http.StatusOK) {
			return "a key of another endpoint: want 403, or 200 at its own"
		}
	case use && c.name == "elsewhere":
		if status != http.StatusForbidden {
			return "a key of another model: want 403"
		}
	case q.model && c.name == "elsewhere":
		if status != http.StatusNotFound {
			return "a key of another model: want 404"
		}
	case !let(status), use && status != http.StatusOK:
		return "who may"
	}
	return ""
}

// issue has an admin make the keys of callers in the control database.
func issue(t *testing.T, g *apptest.Gateway, admin caller, list []caller) {
	t.Helper()
	for i, c := range list {
		if !c.key {
			continue
		}
		body, err := json.Marshal(map[string]any{"name": c.name, "user": c.name, "roles": c.roles, "models": c.models, "endpoints": c.endpoints})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/api/v1/admin/keys", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", admin.credential())
		r.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var made struct{ Secret, Detail string }
		err = json.NewDecoder(a.Body).Decode(&made)
		_ = a.Body.Close()
		if err != nil || a.StatusCode != http.StatusCreated || made.Secret == "" {
			t.Fatalf("%s gets no key: %d %v %s", c.name, a.StatusCode, err, made.Detail)
		}
		list[i].secret = made.Secret
	}
}

// TestEveryRouteHasItsRule asks everything that a gateway serves, as everybody, with keys of the file
// and of both databases: each is let in where the rule of the route says so, and nowhere else. The
// routes are those that are registered, and nothing can be without a rule: see gate.Mux.
func TestEveryRouteHasItsRule(t *testing.T) {
	admin := caller{name: "first", roles: []identity.Role{identity.Admin}, key: true}
	for name, o := range map[string]func(*testing.T) apptest.Options{
		"keys of the file": func(*testing.T) apptest.Options { return apptest.Options{} },
		"SQLite": func(t *testing.T) apptest.Options {
			return apptest.Options{Server: fmt.Sprintf("data-directory: %q", t.TempDir())}
		},
		"PostgreSQL, and Redis": func(t *testing.T) apptest.Options {
			return apptest.Options{Redis: redistest.Start(t).Addr, Config: fmt.Sprintf("database: {url: %q}\n", postgrestest.Start(t).URL(t, "control"))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, list := o(t), everybody()
			file := list
			if name != "keys of the file" {
				file = []caller{admin}
			}
			o.Auth = true
			o.Config += keysOf(t, file) + "management: {pprof: true}\n"
			g := apptest.Start(t, o)
			if name != "keys of the file" {
				issue(t, g, admin, list)
			}
			askEverything(t, g, list)
		})
	}
}

// askEverything asks each route as each of the callers.
func askEverything(t *testing.T, g *apptest.Gateway, list []caller) {
	t.Helper()
	rules := map[string]int{}
	var all []question
	for _, r := range g.Routes() {
		all = append(all, questions(r)...)
	}
	var asking sync.WaitGroup
	for _, c := range list {
		asking.Go(func() {
			for _, q := range all {
				if wrong := q.check(c, statusFor(t, g, q, c)); wrong != "" {
					t.Errorf("%s %s by the rule %s, asked by %s: %d: %s", q.method, q.pattern, q.rule, c.name, statusFor(t, g, q, c), wrong)
				}
			}
		})
	}
	asking.Wait()
	for _, q := range all {
		rules[q.rule.String()]++
	}
	for _, rule := range []string{"open", "known", "models:use", "usage:read", "usage:write", "config:read", "profiles:read", "keys:write", "users:read", "users:write", "roles:write", "audit:read"} {
		if rules[rule] == 0 {
			t.Errorf("no route has the rule %s: the test sees too few", rule)
		}
	}
}

// TestOtherMethods: what a route takes no method for is 405, whoever asks.
func TestOtherMethods(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Auth: true, Config: keysOf(t, everybody())})
	for _, r := range g.Routes() {
		if _, any := r.Rules[gate.AnyMethod]; any {
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if _, taken := r.Rules[method]; taken {
				continue
			}
			q := questions(r)[0]
			q.method = method
			if status := statusFor(t, g, q, caller{name: "everything"}); status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, r.Pattern, status)
			}
		}
	}
}

// statusFor returns the status that a caller gets.
func statusFor(t *testing.T, g *apptest.Gateway, q question, c caller) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, g.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Error(err)
		return 0
	}
	if c.name != "nobody" {
		r.Header.Set("X-Api-Key", c.credential())
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = a.Body.Close()
	return a.StatusCode
}
