package sdk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

const (
	limited = apptest.Model // has the limits of the test
	free    = "house-model" // the same model by another public name, without limits
	hello   = "Say hello, please."
)

// gateway is a gateway whose users have keys, and whose limits have a clock of
// their own.
type gateway struct {
	*apptest.Gateway
	clock *clock

	mu       sync.Mutex
	received map[string]received // by request id
}

// received is what the model server got of a request.
type received struct {
	header http.Header
	body   any
}

// start starts a gateway with limits on the model called limited.
func start(t *testing.T, limits string, users ...string) *gateway {
	t.Helper()
	g := &gateway{clock: newClock(), received: map[string]received{}}
	g.Gateway = apptest.Start(t, apptest.Options{
		Limits: limits, Aliases: []string{free}, Auth: true, Config: keyring(t, users) + "logging: {level: debug}\n",
		Store: memory.New(memory.Options{Now: g.clock.now}), Wrap: g.record,
	})
	t.Cleanup(func() {
		for line := range strings.Lines(g.Logs.String()) { // no rule of a model that there is not lets mock pass
			if strings.Contains(line, "members of the body are not passed on") && !strings.Contains(line, `"fields":"mock"}`) {
				t.Errorf("a library has sent what is not passed on: %s", line)
			}
		}
	})
	return g
}

const adminUser = "the admin"

// key is the API key of a user.
func key(user string) string { return "sk-" + user + strings.Repeat("-", 32) }

// keyring is the section auth with a key for each user.
func keyring(t *testing.T, users []string) string {
	t.Helper()
	var keys []string
	for _, user := range append(users, adminUser) {
		hash, err := identity.HashKey(key(user))
		if err != nil {
			t.Fatal(err)
		}
		roles := "[user]"
		if user == adminUser {
			roles = "[admin]"
		}
		keys = append(keys, fmt.Sprintf("{name: %q, user: %q, hash: %q, roles: %s}", user, user, hash, roles))
	}
	return "auth: {api-keys: [" + strings.Join(keys, ", ") + "]}\n"
}

// record stands in front of the model server and keeps what comes.
func (g *gateway) record(mock http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the gateway has given up
		}
		var body any
		_ = json.Unmarshal(raw, &body) // no body, or none that is JSON, is nil
		g.mu.Lock()
		g.received[r.Header.Get("X-Request-Id")] = received{r.Header.Clone(), body}
		g.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		mock.ServeHTTP(w, r)
	})
}

// receivedOf returns what the model server got of a request.
func (g *gateway) receivedOf(t *testing.T, id string) received {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	got, ok := g.received[id]
	if !ok {
		t.Fatalf("the model server got no request %s", id)
	}
	return got
}

// entry returns what the ledger has of a request, which was served once.
func (g *gateway) entry(t *testing.T, id string) mockvllm.Entry {
	t.Helper()
	if attempts := g.Ledger.Attempts(id); len(attempts) != 1 {
		t.Fatalf("the model server was asked %d times for request %s", len(attempts), id)
	}
	e, _ := g.Ledger.Entry(id)
	return e
}

// spend has a user use up tokens of the limited model.
func (g *gateway) spend(t *testing.T, user string, output int) {
	t.Helper()
	r := g.Request(t.Context(), "/v1/chat/completions", "", fmt.Sprintf(
		`{"model":%q,"messages":[{"role":"user","content":%q}],"mock":{"output_tokens":%d}}`, limited, hello, output))
	r.Header.Del("X-User-ID")
	r.Header.Set("Authorization", "Bearer "+key(user))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("spending is answered with %d: %s (%v)", answer.StatusCode, body, err)
	}
}

// used returns the tokens that count in a user's minute.
func (g *gateway) used(t *testing.T, user string) int64 {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/api/v1/admin/token-usage/"+limited+"/"+user, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key(adminUser))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var u admin.Usage
	if err := json.NewDecoder(answer.Body).Decode(&u); err != nil {
		t.Fatal(err)
	}
	for _, w := range u.Windows {
		if w.Meter == "tokens" && w.Window == "minute" {
			return w.Used
		}
	}
	t.Fatalf("%s has no minute of tokens: %+v", user, u)
	return 0
}

// clock stands still until it runs; then it goes as time does.
type clock struct {
	*limittest.Clock
	mu      sync.Mutex
	running time.Time // since when; zero: it stands still
}

func newClock() *clock { return &clock{Clock: limittest.NewClock()} }

func (c *clock) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = time.Now()
}

func (c *clock) now() limit.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running.IsZero() {
		return c.Now()
	}
	return c.Now().Add(time.Since(c.running))
}
