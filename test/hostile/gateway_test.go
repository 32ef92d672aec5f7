package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

const chatPath = "/v1/chat/completions"

// chat is a chat request whose answer has ten tokens.
const chat = `{"model":"llama2-7b","messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":10}}`

// seen is a request as the model server got it.
type seen struct {
	Path   string
	Header http.Header
	Body   string
}

// recorder notes what reaches the model server, but what the gateway asks on its own.
type recorder struct {
	mu   sync.Mutex
	list []seen
}

// wrap is for apptest.Options.Wrap.
func (r *recorder) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			next.ServeHTTP(w, q)
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return // the gateway has left
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.list = append(r.list, seen{q.URL.EscapedPath(), q.Header.Clone(), string(body)})
		r.mu.Unlock()
		next.ServeHTTP(w, q)
	})
}

// all returns what has come so far.
func (r *recorder) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.list...)
}

// last returns the request that came last.
func (r *recorder) last(t *testing.T) seen {
	t.Helper()
	all := r.all()
	if len(all) == 0 {
		t.Fatal("nothing has reached the model server")
	}
	return all[len(all)-1]
}

// withEach does a test with each of the servers that read requests that are not encrypted;
// setting is what the section server then says.
func withEach(t *testing.T, do func(t *testing.T, setting string)) {
	for _, server := range []string{"own", "net-http"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			do(t, "plain-http: "+server)
		})
	}
}

// start starts a gateway whose model server is recorded.
func start(t testing.TB, o apptest.Options) (*apptest.Gateway, *recorder) {
	t.Helper()
	r := &recorder{}
	o.Wrap = r.wrap
	return apptest.Start(t, o), r
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// failure is the error object of an answer, OpenAI's or Anthropic's.
type failure struct {
	Outer      string // "error" in Anthropic's shape
	Type       string
	Code       string
	Param      string
	Message    string
	Limit      *int64
	Window     string
	Used       *int64
	Remaining  *int64
	RetryAfter int64 `json:"retry_after"`
}

// failure reads the error object.
func (a answer) failure(t testing.TB) failure {
	t.Helper()
	var outer struct {
		Type  string
		Error failure
	}
	if err := json.Unmarshal([]byte(a.body), &outer); err != nil {
		t.Fatalf("the answer %d is no error object (%v): %.200s", a.status, err, a.body)
	}
	outer.Error.Outer = outer.Type
	return outer.Error
}

// fields are header fields, name and value.
type fields map[string]string

// send sends a request and reads its answer whole.
func send(t testing.TB, g *apptest.Gateway, method, path string, f fields, body string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, g.URL, reader)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = "//" + r.URL.Host + path // as it is, dots and slashes too
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range f {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		if value == "" {
			delete(r.Header, http.CanonicalHeaderKey(name))
		}
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{response.StatusCode, response.Header, string(b)}
}

// transport sends requests as they are: no redirects, no encodings.
var transport = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}

// post sends body to path.
func post(t testing.TB, g *apptest.Gateway, path, body string) answer {
	t.Helper()
	return send(t, g, http.MethodPost, path, nil, body)
}

// wantFailure checks the status and the code of an error.
func wantFailure(t testing.TB, what string, a answer, status int, code string) failure {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: the status is %d, want %d: %.200s", what, a.status, status, a.body)
	}
	f := a.failure(t)
	if f.Code != code {
		t.Errorf("%s: the code is %q, want %q: %.200s", what, f.Code, code, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: the type of the error is %q", what, got)
	}
	return f
}

// wantProblem checks a refusal in the shape of RFC 9457.
func wantProblem(t testing.TB, what string, a answer, status int, code string) {
	t.Helper()
	var p struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	err := json.Unmarshal([]byte(a.body), &p)
	if kind := a.header.Get("Content-Type"); err != nil || a.status != status || p.Status != status || p.Code != code || p.Detail == "" || kind != "application/problem+json" {
		t.Errorf("%s: %d %s, want a problem with %d %s: %.200s", what, a.status, kind, status, code, a.body)
	}
}

// wantUncharged checks that user has been charged nothing, and that no slot is
// taken.
func wantUncharged(t testing.TB, g *apptest.Gateway, user string) {
	t.Helper()
	u := g.Usage(t, user)
	for _, w := range u.Windows {
		if w.Used != 0 || w.Reserved != 0 || w.Limit != nil && *w.Remaining != *w.Limit {
			t.Errorf("%s has used %d %s per %s and reserves %d", user, w.Used, w.Meter, w.Window, w.Reserved)
		}
	}
	for _, c := range u.Concurrency {
		if c.Running != 0 {
			t.Errorf("%d requests of the %s are running", c.Running, c.Scope)
		}
	}
}

// wantSent checks that the model server has got n requests, not more.
func wantSent(t testing.TB, r *recorder, n int) {
	t.Helper()
	if all := r.all(); len(all) != n {
		t.Errorf("%d requests have reached the model server, want %d: %.300v", len(all), n, all)
	}
}

// eventually waits until done reports true.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for this: %s", what)
		}
	}
}

// watchedStore counts reservations, and keeps the last decision's longest wait.
type watchedStore struct {
	limit.Store
	reserved atomic.Int64
	wait     atomic.Int64
}

// Reserve implements limit.Store.
func (s *watchedStore) Reserve(ctx context.Context, p *limit.Policy, user string, need limit.Amount, g *limit.Grant, d *limit.Decision) error {
	err := s.Store.Reserve(ctx, p, user, need, g, d)
	s.reserved.Add(1)
	if err == nil && len(d.Violations) > 0 {
		s.wait.Store(int64(d.Violations[0].Wait))
	}
	return err
}

// key returns the API key of that name.
func key(name string) string { return fmt.Sprintf("key-of-%s-%s", name, strings.Repeat("k", 40)) }

// usageOf reads the answer of the admin's view.
func usageOf(t testing.TB, a answer) (u admin.Usage) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &u); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return u
}
