// Package apptest starts whole gateways for tests: the real app with a real
// configuration, in front of a stand-in model server whose ledger judges it.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admin"
	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/control"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// Model is the model that a gateway serves unless its configuration says otherwise.
const Model = "llama2-7b"

// mocked is a service's setting that lets requests tell the model server how to answer them.
const mocked = "allow-fields: [mock]"

// Options of a Gateway. The zero value has no limits, no authentication, the memory store and a
// fast model server. Texts are YAML on one line that is added to a section, without braces.
type Options struct {
	Limits    string // in braces, of Model, such as "{max-tokens-per-minute: 1000}"
	Service   string // of Model's service; without allow-fields in it, requests may have "mock"
	Services  string // further services, in which MOCK stands for the model server's address
	Server    string // such as "body-timeout: 1s"
	RateLimit string // such as "overrun: stop"
	RedisMore string // of the section redis
	Config    string // further sections, of any number of lines

	Redis     string           // address of the Redis to use; empty for memory
	Store     limit.Store      // in place of the configured store; nil: that one
	Sources   []control.Source // laid over the configuration
	Aliases   []string         // further public names of Model, without limits
	Mock      mockvllm.Options // configures the model server
	ServerURL string           // in place of the model server's, such as one that does not answer
	TLS       bool             // the gateway shows a certificate; Client trusts it, by HTTP/2
	Auth      bool             // leaves authentication on; Config then has the keys
	Breaker   bool             // leaves the breaker on, which else opens for servers that are away
	Reloads   bool             // the configuration is in Gateway.Folder, and followed
	// Wrap, if set, takes the mock's place as the model server's handler, in order to see or to
	// change what passes. Questions about its health and its models pass by it.
	Wrap func(mock http.Handler) http.Handler
}

// Gateway is a running gateway and its model server.
type Gateway struct {
	URL     string
	MockURL string // of the model server, for direct requests
	Mock    *mockvllm.Server
	Ledger  *mockvllm.Ledger
	Logs    *Log
	Client  *http.Client // trusts the gateway
	Files   tlstest.Pair // of the gateway's certificate, where it has one
	Folder  string       // of the configuration's files; empty where there are none

	app     *app.App
	options Options
	stop    context.CancelFunc
	done    chan error
	hurry   context.CancelFunc
}

// Start starts a gateway that ends with the test. What it needs to be stopped earlier: Stop.
func Start(t testing.TB, o Options) *Gateway {
	t.Helper()
	g := &Gateway{Ledger: o.Mock.Ledger, Logs: &Log{}}
	if g.Ledger == nil {
		g.Ledger = &mockvllm.Ledger{}
		o.Mock.Ledger = g.Ledger
	}
	if len(o.Mock.Models) == 0 {
		o.Mock.Models = []mockvllm.Model{{Name: Model}}
	}
	g.Mock = mockvllm.New(o.Mock)
	var handler http.Handler = g.Mock
	if o.Wrap != nil {
		routes := http.NewServeMux()
		routes.Handle("/", o.Wrap(g.Mock))
		routes.Handle("/health", g.Mock)
		routes.Handle("GET /v1/models", g.Mock)
		handler = routes
	}
	upstream := httptest.NewServer(handler)
	g.MockURL = upstream.URL
	t.Cleanup(func() {
		g.Mock.Close()
		upstream.Close()
	})
	g.serve(t, o)
	return g
}

// serve runs the gateway itself.
func (g *Gateway) serve(t testing.TB, o Options) {
	t.Helper()
	if o.ServerURL == "" {
		o.ServerURL = g.MockURL
	}
	scheme := "http://"
	g.Client = http.DefaultClient
	if o.TLS {
		scheme = "https://"
		g.Files = tlstest.New(t)
		g.Client = g.Files.Client(t)
		o.Server = "tls: " + g.Files.YAML() + ", " + o.Server
	}
	g.options = o
	source := g.source(t, o)
	cfg, err := config.Load(source)
	if err != nil {
		t.Fatalf("the configuration: %v\n%s", err, o.yaml())
	}
	hurry, cutOff := context.WithCancel(context.Background())
	g.hurry = cutOff
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(g.Logs, &slog.HandlerOptions{Level: level}))
	options := app.Options{
		Config: cfg, Log: log, Level: level, Store: o.Store, Sources: o.Sources,
		Hurry: hurry.Done(),
	}
	if o.Reloads {
		options.Files = &source
	}
	a, err := app.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	g.app = a
	ctx, stop := context.WithCancel(context.Background())
	g.stop, g.done = stop, make(chan error, 1)
	ready := make(chan string, 1)
	go func() {
		defer close(g.done)
		g.done <- a.Run(ctx, func(address string) { ready <- address })
	}()
	select {
	case address := <-ready:
		g.URL = scheme + address
	case err := <-g.done:
		t.Fatalf("the gateway ended: %v", err)
	}
	t.Cleanup(func() {
		if err := g.Stop(); err != nil {
			t.Errorf("the gateway ended: %v", err)
		}
	})
}

// Management returns the URL of the listener for operators, which the log names.
func (g *Gateway) Management(t testing.TB) string {
	t.Helper()
	_, after, found := strings.Cut(g.Logs.String(), `"management":"`)
	address, _, _ := strings.Cut(after, `"`)
	if !found || address == "" {
		t.Fatalf("there is no listener for operators: %s", g.Logs)
	}
	return "http://" + address
}

// Drain begins the end of the gateway, as SIGTERM does, and does not wait for it.
func (g *Gateway) Drain() { g.stop() }

// Hurry ends a drain at once, as a second signal does.
func (g *Gateway) Hurry() { g.hurry() }

// Stop ends the gateway as SIGTERM does, and returns its error. Further calls return nil.
func (g *Gateway) Stop() error {
	g.stop()
	return <-g.done
}

// Request returns a POST of body to path for user; for "", nobody is named.
func (g *Gateway) Request(ctx context.Context, path, user, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the test's own mistake
	}
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("X-User-ID", user)
	}
	return r
}

// Post sends body to path for user and returns the answer, read whole.
func (g *Gateway) Post(t testing.TB, path, user, body string) (int, http.Header, string) {
	t.Helper()
	return answer(t, g.Client, g.Request(t.Context(), path, user, body))
}

// answer returns the status, the header and the body of the answer to a request.
func answer(t testing.TB, client *http.Client, r *http.Request) (int, http.Header, string) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(b)
}

// Get returns the body of the answer to GET path.
func (g *Gateway) Get(t testing.TB, path string) string {
	t.Helper()
	_, body := g.Probe(t, path)
	return body
}

// Probe returns the answer to GET path.
func (g *Gateway) Probe(t testing.TB, path string) (status int, body string) {
	t.Helper()
	return Fetch(t, g.Client, g.URL+path, "")
}

// Fetch returns the answer to GET url with a key, if that is not empty.
func Fetch(t testing.TB, client *http.Client, url, key string) (status int, body string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	status, _, body = answer(t, client, r)
	return status, body
}

// Usage returns where user stands on the model.
func (g *Gateway) Usage(t testing.TB, user string) admin.Usage {
	t.Helper()
	return g.UsageOf(t, Model, user)
}

// UsageOf returns where user stands on a model.
func (g *Gateway) UsageOf(t testing.TB, model, user string) admin.Usage {
	t.Helper()
	var u admin.Usage
	body := g.Get(t, "/api/v1/admin/token-usage/"+url.PathEscape(model)+"/"+url.PathEscape(user))
	if err := json.Unmarshal([]byte(body), &u); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return u
}

// Log keeps what a gateway has logged. It is safe for concurrent use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Routes returns what the gateway serves, with the rules of each.
func (g *Gateway) Routes() []gate.Route { return g.app.Routes() }
