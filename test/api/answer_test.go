package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

func TestMain(m *testing.M) {
	for _, media := range []string{"text/event-stream", "application/openmetrics-text", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.PlainBodyDecoder)
	}
	os.Exit(m.Run())
}

// judge compares answers with the document, and keeps which of the described
// responses were seen.
type judge struct {
	doc  *openapi3.T
	mu   sync.Mutex
	seen map[string]bool // names of components
}

// usual are header fields that need no description.
var usual = []string{"Allow", "Cache-Control", "Connection", "Content-Disposition", "Content-Length", "Content-Type", "Date",
	"Vary", "X-Accel-Buffering", "X-Content-Type-Options", "X-Request-Id"}

// check returns how an answer differs from what the document says of path.
func (j *judge) check(path string, a *http.Response, body []byte) error {
	item := j.doc.Paths.Value(path)
	op := item.GetOperation(a.Request.Method)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: a.Request, Route: &routers.Route{Spec: j.doc, Path: path, PathItem: item, Method: a.Request.Method, Operation: op},
		},
		Status: a.StatusCode, Header: a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(a.Request.Context(), input.SetBodyBytes(body)); err != nil {
		return err
	}
	described := op.Responses.Status(a.StatusCode)
	for name := range a.Header {
		has := func(h string) bool { return strings.EqualFold(h, name) }
		if !slices.Contains(usual, name) && !slices.ContainsFunc(slices.Collect(maps.Keys(described.Value.Headers)), has) {
			return fmt.Errorf("the field %s is not described", name)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[strings.TrimPrefix(described.Ref, "#/components/responses/")] = true
	return nil
}

// The keys of the gateways here, and their hashes.
const (
	userKey  = "0123456789abcdef0123456789abcdef"
	adminKey = "fedcba9876543210fedcba9876543210"
	keys     = `auth: {api-keys: [
  {name: u, user: alice, hash: "sha256:3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9"},
  {name: a, user: root, roles: [user, admin], hash: "sha256:4ba68aa8767bde72e8c798ee82d1275291cea73e72ad74d35ecf48e41386eb82"}]}
`
)

// send sends a request of a key and has its answer judged, which must have the
// status.
func (j *judge) send(t *testing.T, g *apptest.Gateway, method, path, key string, body io.Reader, status int, fields ...string) {
	t.Helper()
	j.sendTo(t, g, method, path, fill(path), key, body, status, fields...)
}

// sendTo is send to where the parameters of the path have other values.
func (j *judge) sendTo(t *testing.T, g *apptest.Gateway, method, path, filled, key string, body io.Reader, status int, fields ...string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.URL+filled, body)
	if err != nil {
		t.Fatal(err)
	}
	switch method {
	case http.MethodPost:
		r.Header.Set("Content-Type", "application/json")
	case http.MethodPatch:
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	a, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != status {
		t.Errorf("%s %s is answered with %d, want %d: %.500s", method, path, a.StatusCode, status, b)
	}
	if err := j.check(path, a, b); err != nil {
		t.Errorf("%s %s %d: %v\n%.1000s", method, path, a.StatusCode, err, b)
	}
}

// inputs are what the operations want beside the model.
var inputs = map[string]string{
	"/chat/completions":      `"max_tokens":5,"messages":[{"role":"user","content":"Hello"}]`,
	"/completions":           `"max_tokens":5,"prompt":"Hello"`,
	"/responses":             `"max_output_tokens":5,"input":"Hello"`,
	"/messages":              `"max_tokens":5,"messages":[{"role":"user","content":"Hello"}]`,
	"/messages/count_tokens": `"messages":[{"role":"user","content":"Hello"}]`,
	"/embeddings":            `"input":"Hello"`,
	"/rerank":                `"query":"Hello","documents":["a","b"]`,
	"/v2/rerank":             `"query":"Hello","documents":["a","b"]`,
	"/pooling":               `"input":"Hello"`,
	"/classify":              `"input":["Hello","there"]`,
	"/score":                 `"text_1":"Hello","text_2":"Hello there"`,
	"/tokenize":              `"prompt":"Hello"`,
	"/detokenize":            `"tokens":[1,2]`,
}

// operation returns the input of the data plane's path, and whether the model is
// in the path; "" where it is another's.
func operation(path string) (input string, inPath bool) {
	rest, inPath := strings.CutPrefix(path, "/api/v1/models/{model}")
	if !inPath {
		rest = strings.TrimPrefix(path, "/v1")
	}
	return inputs[rest], inPath
}

// bodyOf returns a body for the path, with further members in front.
func bodyOf(path, members string) string {
	input, inPath := operation(path)
	if !inPath {
		members += `"model":"` + apptest.Model + `",`
	}
	return "{" + members + input + "}"
}

// isDataPlane reports whether a path is one of the data plane.
func isDataPlane(item *openapi3.PathItem) bool {
	return item.Post != nil && item.Post.Tags[0] == "data plane"
}

// posts are the paths of the data plane.
func (j *judge) posts() []string {
	var paths []string
	for path, item := range j.doc.Paths.Map() {
		if isDataPlane(item) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// TestAnswersAreAsDescribed asks gateways in every state for every kind of answer.
func TestAnswersAreAsDescribed(t *testing.T) {
	j := &judge{doc: load(t), seen: map[string]bool{}}
	t.Run("states", func(t *testing.T) {
		for name, state := range states {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				state.o.Auth = true
				state.o.Config += keys
				if state.prepare != nil {
					state.prepare(t, &state.o)
				}
				g := apptest.Start(t, state.o)
				if state.before != nil {
					state.before(t, g)
				}
				state.ask(t, j, g)
			})
		}
	})
	for name := range j.doc.Components.Responses {
		if !j.seen[name] {
			t.Errorf("no answer was a %s", name)
		}
	}
}

// state is a gateway, and what to ask of it.
type state struct {
	o       apptest.Options
	prepare func(*testing.T, *apptest.Options) // before it starts
	before  func(*testing.T, *apptest.Gateway)
	ask     func(*testing.T, *judge, *apptest.Gateway)
}

// every returns what asks every path of the data plane, for an answer of the
// status, with further members in the body.
func every(status int, members string) func(*testing.T, *judge, *apptest.Gateway) {
	return func(t *testing.T, j *judge, g *apptest.Gateway) {
		for _, path := range j.posts() {
			j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(bodyOf(path, members)), status)
		}
	}
}

// failing is a store that decides nothing.
type failing struct {
	limit.Store
	err error // nil: it panics
}

// Reserve implements limit.Store.
func (s failing) Reserve(context.Context, *limit.Policy, string, limit.Amount, *limit.Grant, *limit.Decision) error {
	if s.err == nil {
		panic("a fault of the store")
	}
	return s.err
}

// View implements limit.Store.
func (s failing) View(context.Context, *limit.Policy, string) (limit.View, error) {
	return limit.View{}, s.err
}

// Ping implements limit.Store.
func (s failing) Ping(context.Context) error { return s.err }

// Refused implements limit.Store.
func (s failing) Refused(string) error { return s.err }

// states are the gateways that are asked.
var states = map[string]state{
	"well": {
		o: apptest.Options{
			Limits: "{max-tokens-per-minute: 100000, max-requests-per-hour: 10000, max-concurrent-requests: 100}",
			Config: "management: {pprof: true}\n", Server: "max-body-bytes: 4096, trusted-proxies: [127.0.0.1]",
		},
		ask: func(t *testing.T, j *judge, g *apptest.Gateway) {
			every(200, "")(t, j, g)
			streams(t, j, g)
			mistakes(t, j, g)
			readings(t, j, g)
		},
	},
	"stopping": {
		o:   apptest.Options{Limits: "{max-tokens-per-minute: 100000, overrun: stop, default-output-tokens: 2}"},
		ask: every(200, ""), // with caps
	},
	"used up":       {o: apptest.Options{Limits: "{max-requests-per-minute: 1}"}, before: once, ask: every(429, "")},
	"used up twice": {o: apptest.Options{Limits: "{max-requests-per-minute: 1, max-requests-per-hour: 1}"}, before: once, ask: every(429, "")},
	"occupied":      {o: apptest.Options{Limits: "{max-concurrent-requests: 1}"}, before: occupy, ask: every(429, "")},
	"blocked":       {o: apptest.Options{Limits: "{max-requests-per-day: 0}"}, ask: every(403, "")},
	"full":          {o: apptest.Options{Wrap: answering(http.StatusServiceUnavailable)}, ask: every(429, "")},
	"down": {
		before: func(_ *testing.T, g *apptest.Gateway) { g.Mock.SetUnhealthy(true) },
		ask: func(t *testing.T, j *judge, g *apptest.Gateway) {
			j.send(t, g, http.MethodGet, "/api/v1/models/{model}/health", userKey, nil, 503)
			every(503, "")(t, j, g)
		},
	},
	"without a store": {
		o: apptest.Options{Store: failing{memory.New(memory.Options{}), errors.New("away")}, Limits: "{max-requests-per-day: 1000}"},
		ask: func(t *testing.T, j *judge, g *apptest.Gateway) {
			every(503, "")(t, j, g)
			for _, path := range []string{"/actuator/health", "/actuator/health/readiness"} {
				j.send(t, g, http.MethodGet, path, "", nil, 503)
			}
			j.send(t, g, http.MethodGet, "/actuator/health/liveness", "", nil, 200)
			j.send(t, g, http.MethodGet, "/api/v1/admin/token-usage/{model}/{user}", adminKey, nil, 503)
			j.send(t, g, http.MethodGet, "/api/v1/me", userKey, nil, 200)
		},
	},
	"at fault": {o: apptest.Options{Store: failing{Store: memory.New(memory.Options{})}}, ask: every(500, "")},
	"failing":  {o: apptest.Options{Wrap: answering(http.StatusInternalServerError)}, ask: every(502, "")},
	"refusing": {o: apptest.Options{Wrap: answering(http.StatusConflict)}, ask: every(409, "")},
	"slow":     {o: apptest.Options{Wrap: waiting, Service: "response-timeout: 50ms"}, ask: every(504, "")},
	"managed": {
		prepare: func(t *testing.T, o *apptest.Options) { o.Server = fmt.Sprintf("data-directory: %q", t.TempDir()) },
		ask:     manage,
	},
	"without its database": {
		o: apptest.Options{Config: "database: {url: 'postgres://nobody@127.0.0.1:1/control'}\n"},
		ask: func(t *testing.T, j *judge, g *apptest.Gateway) {
			for _, path := range []string{"/api/v1/admin/keys", "/api/v1/admin/audit", "/api/v1/admin/audit/export", "/api/v1/admin/revision"} {
				j.send(t, g, http.MethodGet, path, adminKey, nil, 503)
			}
			j.send(t, g, http.MethodPost, "/api/v1/admin/keys", adminKey, strings.NewReader(`{"name":"x","user":"y"}`), 503)
			j.send(t, g, http.MethodGet, "/api/v1/admin/keys", "nobody knows me", nil, 503)
		},
	},
	"impatient": {
		o: apptest.Options{Server: "body-timeout: 100ms"},
		ask: func(t *testing.T, j *judge, g *apptest.Gateway) {
			for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
				r, w := io.Pipe()
				go io.WriteString(w, "{") // and no more
				j.send(t, g, http.MethodPost, path, userKey, r, 408)
				w.Close()
			}
			r, w := io.Pipe()
			go io.WriteString(w, "{")
			j.send(t, g, http.MethodPost, "/api/v1/admin/keys/identify", adminKey, r, 408)
			w.Close()
		},
	},
}

// streams asks for events.
func streams(t *testing.T, j *judge, g *apptest.Gateway) {
	for _, path := range j.posts() {
		if ok := j.doc.Paths.Value(path).Post.Responses.Status(200); ok.Value.Content["text/event-stream"] != nil {
			j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(bodyOf(path, `"stream":true,`)), 200)
		}
	}
}

// mistakes makes the mistakes that clients make.
func mistakes(t *testing.T, j *judge, g *apptest.Gateway) {
	for _, path := range j.posts() {
		body := bodyOf(path, "")
		j.send(t, g, http.MethodPost, path, userKey, strings.NewReader("{"), 400)
		j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(bodyOf(path, `"priority":1,`)), 400)
		j.send(t, g, http.MethodPost, path, "", strings.NewReader(body), 401)
		j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(body), 401, "X-Api-Key", adminKey)
		j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(strings.Repeat(" ", 5000)+body), 413)
		j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(body), 415, "Content-Type", "text/plain")
		if _, inPath := operation(path); !inPath {
			j.send(t, g, http.MethodPost, path, userKey, strings.NewReader(strings.Replace(body, apptest.Model, "none", 1)), 404)
		}
	}
}

// readings asks for what is read only.
func readings(t *testing.T, j *judge, g *apptest.Gateway) {
	for path, item := range j.doc.Paths.Map() {
		if item.Get == nil {
			continue
		}
		status := 200
		if path == tenantPath || path == userPath { // there is nobody: see people
			status = 404
		}
		j.send(t, g, http.MethodGet, path, adminKey, nil, status)
		if item.Get.Security != nil {
			j.send(t, g, http.MethodGet, path, "", nil, 200) // open to everybody
			continue
		}
		j.send(t, g, http.MethodGet, path, "", nil, 401)
		if item.Get.Tags[0] == "models" {
			looks(t, j, g, path)
			continue
		}
		if path == "/api/v1/me" {
			j.send(t, g, http.MethodGet, path, userKey, nil, 200)
			j.send(t, g, http.MethodGet, path, userKey, nil, 400, "X-User-ID", "a,b")
			j.send(t, g, http.MethodGet, path, userKey, nil, 403, "X-User-ID", "bob")
			continue
		}
		j.send(t, g, http.MethodGet, path, userKey, nil, 403)
	}
	j.send(t, g, http.MethodGet, "/actuator/prometheus", "", nil, 200, "Accept", "application/openmetrics-text")
	j.send(t, g, http.MethodGet, "/actuator/env", adminKey, nil, 200, "Accept", "application/yaml")
}

// looks asks for models, as OpenAI's clients do and as Anthropic's do.
func looks(t *testing.T, j *judge, g *apptest.Gateway, path string) {
	for _, version := range []string{"", "2023-06-01"} {
		send := func(path, key string, status int, fields ...string) {
			j.send(t, g, http.MethodGet, path, key, nil, status, append(fields, "Anthropic-Version", version)...)
		}
		send(path, userKey, 200)
		send(path, adminKey, 200)
		send(path, "", 401)
		send(path, userKey, 400, "X-User-Id", "alice, bob")
		send(path, userKey, 403, "X-User-Id", "bob")
		if none := strings.Replace(path, "{model}", "none", 1); none != path {
			j.sendTo(t, g, http.MethodGet, path, none, userKey, nil, 404, "Anthropic-Version", version)
		}
	}
}

// once uses up the one request that there is.
func once(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	r := g.Request(t.Context(), "/v1/chat/completions", "", bodyOf("/v1/chat/completions", ""))
	r.Header.Set("X-Api-Key", userKey)
	a, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", a.StatusCode, err)
	}
}

// occupy keeps a request running until the test ends.
func occupy(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := g.Request(ctx, "/v1/chat/completions", "", bodyOf("/v1/chat/completions", `"stream":true,"mock":{"after_tokens":1,"fail":"stall"},`))
	r.Header.Set("X-Api-Key", userKey)
	a, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); a.Body.Close() })
}

// answering is a model server that answers everything with a status.
func answering(status int) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, `{"error":{"message":"no","type":"x","param":null,"code":1}}`)
		})
	}
}

// waiting is a model server that never answers.
func waiting(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then it is noticed who leaves
		<-r.Context().Done()
	})
}

// TestJudge lets it judge answers, of which all but the first are wrong.
func TestJudge(t *testing.T) {
	const list, refusal = `{"object":"list","data":[]}`, `{"error":{"message":"m","type":"server_error","param":null,"code":"invalid_api_key"}}`
	j := &judge{doc: load(t), seen: map[string]bool{}}
	for what, a := range map[string]struct {
		status int
		fields map[string]string
		body   string
	}{
		"":                       {200, map[string]string{"X-Request-Id": "1"}, list},
		"a status":               {418, map[string]string{"X-Request-Id": "1"}, list},
		"a field more":           {200, map[string]string{"X-Request-Id": "1", "X-More": "1"}, list},
		"a field less":           {200, nil, list},
		"a value of a field":     {401, map[string]string{"X-Request-Id": "1", "Www-Authenticate": "Basic"}, refusal},
		"a member more":          {401, map[string]string{"X-Request-Id": "1", "Www-Authenticate": "Bearer"}, strings.Replace(refusal, `{"m`, `{"more":1,"m`, 1)},
		"a code that is unknown": {401, map[string]string{"X-Request-Id": "1", "Www-Authenticate": "Bearer"}, strings.Replace(refusal, "_key", "", 1)},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		for name, value := range a.fields {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		answer := w.Result()
		answer.Request = httptest.NewRequest(http.MethodGet, "/v1/models", nil)
		if err := j.check("/v1/models", answer, []byte(a.body)); (err == nil) != (what == "") {
			t.Errorf("of %q it says: %v", what, err)
		}
	}
}
