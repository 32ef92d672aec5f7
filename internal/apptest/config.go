package apptest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// source returns where the gateway's configuration is.
func (g *Gateway) source(t testing.TB, o Options) config.Options {
	t.Helper()
	unset := func(string) (string, bool) { return "", false }
	s := config.Options{Env: unset, Check: app.CheckFiles}
	if o.Reloads {
		g.Folder = t.TempDir()
		s.Dir = g.Folder
		g.Configure(t, func(*Options) {})
		return s
	}
	s.Dir, s.Files = ".", fstest.MapFS{"application.yml": {Data: []byte(o.yaml())}}
	return s
}

// Configure writes the configuration of the options that the gateway was started with and a change.
// The gateway finds out by itself, or at once by Reload.
func (g *Gateway) Configure(t testing.TB, change func(*Options)) {
	t.Helper()
	o := g.options
	change(&o)
	g.WriteConfig(t, o.yaml())
}

// WriteConfig writes text as the configuration, as Configure does.
func (g *Gateway) WriteConfig(t testing.TB, text string) {
	t.Helper()
	next := filepath.Join(g.Folder, "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(g.Folder, "application.yml")); err != nil {
		t.Fatal(err)
	}
}

// Reload has the gateway read its configuration again, as SIGHUP does.
func (g *Gateway) Reload() { g.app.Reload() }

// Eventually reports whether something becomes true within 20 seconds, asking again and again.
func Eventually(ok func() bool) bool {
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// yaml renders the configuration.
func (o Options) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "server: {address: \"127.0.0.1:0\", %s}\n", o.Server)
	service := o.Service
	if !o.Breaker {
		service = "breaker-failures: 0, " + service
	}
	if !strings.Contains(service, "allow-fields") {
		service = mocked + ", " + service
	}
	at := fmt.Sprintf("endpoints: [%q]", o.ServerURL)
	fmt.Fprintf(&b, "vllm: {services: {%s: {%s, %s}", Model, at, service)
	for _, name := range o.Aliases {
		fmt.Fprintf(&b, ", %q: {%s, served-as: %s, %s}", name, at, Model, mocked)
	}
	if o.Services != "" {
		b.WriteString(", " + strings.ReplaceAll(o.Services, "MOCK", strconv.Quote(o.ServerURL)))
	}
	b.WriteString("}}\n")
	if !o.Auth {
		b.WriteString("auth: {enabled: false}\n")
	}
	store := "memory"
	if o.Redis != "" {
		host, port, _ := strings.Cut(o.Redis, ":")
		fmt.Fprintf(&b, "redis: {host: %s, port: %s, timeout: 2s, %s}\n", host, port, o.RedisMore)
		store = "redis"
	}
	fmt.Fprintf(&b, "token: {rate-limit: {store: %s, models: {%s: %s}, %s}}\n",
		store, Model, cmp.Or(o.Limits, "{}"), o.RateLimit)
	b.WriteString(o.Config)
	return b.String()
}
