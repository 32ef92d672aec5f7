package apptest

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/app"
	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// source returns where the gateway's configuration is.
func (g *Gateway) source(t testing.TB, o Options) config.Options {
	t.Helper()
	s := config.Options{Env: func(string) (string, bool) { return "", false }, Check: app.CheckFiles}
	if o.Reloads {
		g.Folder = t.TempDir()
		s.Dir = g.Folder
		g.Configure(t, func(*Options) {})
		return s
	}
	s.Dir, s.Files = ".", fstest.MapFS{"application.yml": {Data: []byte(o.yaml())}}
	return s
}

// Configure writes the configuration with a change of the options that the
// gateway was started with, as a file that takes the place of the one before.
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

// Eventually reports whether something becomes true within 20 seconds, asking
// again and again.
func Eventually(ok func() bool) bool {
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
