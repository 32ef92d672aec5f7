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
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// Model is the model that a gateway serves unless its configuration says otherwise.
const Model = "llama2-7b"

// mocked is a service's setting that lets requests tell the model server how to answer them.
const mocked = "allow-fields: [mock]"

// Options of a Gateway. The zero value has no limits, no authentication, the
// memory store and a fast model server.
type Options struct {
	// Limits is YAML for token.rate-limit.models.<Model>, on one line, such as
	// "{max-tokens-per-minute: 1000}".
	Limits string
	// Service is YAML added to the model's service on one line, without
	// braces, such as "context-length: 4096". Unless it has allow-fields, requests may
	// have the member mock: see mockvllm.
	Service string
	// Server is YAML added to the section server on one line, without braces,
	// such as "body-timeout: 1s".
	Server string
	// RateLimit is YAML added to the section token.rate-limit on one line,
	// without braces, such as "overrun: stop".
	RateLimit string
	// Aliases are further public names of Model, without limits.
	Aliases []string
	// TLS lets the gateway show a certificate of its own making: Client trusts it
	// and speaks HTTP/2.
	TLS bool
	// Services is YAML for further services on one line, without braces, in which MOCK
	// stands for the model server's address.
	Services string
	// Config is YAML for further sections of the configuration.
	Config string
	// Redis is the address of the Redis to use; empty for memory.
	Redis string
	// RedisMore is YAML added to the section redis on one line, without braces.
	RedisMore string
	// Store takes the place of the configured store.
	Store limit.Store
	// Mock configures the model server.
	Mock mockvllm.Options
	// Wrap, if set, takes the mock's place as the model server's handler, in
	// order to see or to change what passes. Questions about its health and its
	// models, which come at any time, pass by it.
	Wrap func(mock http.Handler) http.Handler
	// Breaker leaves the circuit breaker on, which otherwise only opens for a
	// server that is away: most faults are asked for by requests.
	Breaker bool
	// ServerURL, if set, takes the place of the model server's address, for
	// servers that do not answer at all.
	ServerURL string
	// Reloads has the gateway read its configuration from files in a folder, and
	// read it again when they change; see Gateway.Folder and Configure.
	Reloads bool
	// Sources are laid over the configuration.
	Sources []control.Source
	// Auth leaves authentication on; Config then has the keys.
	Auth bool
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

	app      *app.App
	options  Options
	stop     context.CancelFunc
	done     chan error
	hurry    chan struct{}
	hurrying sync.Once
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
	g.hurry = make(chan struct{})
	level := new(slog.LevelVar)
	options := app.Options{
		Config: cfg, Log: slog.New(slog.NewJSONHandler(g.Logs, &slog.HandlerOptions{Level: level})), Level: level,
		Store: o.Store, Hurry: g.hurry, Sources: o.Sources,
	}
	if o.Reloads {
		options.Source = &source
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
func (g *Gateway) Hurry() { g.hurrying.Do(func() { close(g.hurry) }) }

// Stop ends the gateway as SIGTERM does, waits for its end and returns its
// error. Further calls return nil.
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
func (g *Gateway) Post(t testing.TB, path, user, body string) (status int, h http.Header, answer string) {
	t.Helper()
	response, err := g.Client.Do(g.Request(t.Context(), path, user, body))
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
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
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
