package control

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// said has the lines of a log that are about the configuration.
type said chan string

// Write implements io.Writer, for a line.
func (s said) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "configuration") {
		s <- string(p)
	}
	return len(p), nil
}

// take returns the lines that have come since.
func (s said) take() (lines string) {
	for len(s) > 0 {
		lines += <-s
	}
	return lines
}

// authorities finds files of authorities that cannot be read.
func authorities(c *config.Config) (all []config.Finding) {
	for name, s := range c.Services {
		if s.CAFile == "" {
			continue
		}
		if _, err := os.ReadFile(s.CAFile); err != nil {
			all = append(all, config.Finding{Setting: []string{"vllm", "services", name, "ca-file"}, Problem: err.Error()})
		}
	}
	return all
}

// start returns a Reconciler that has applied its first state. What o does not say, it gets.
func start(t *testing.T, o Options) *Reconciler {
	t.Helper()
	if o.Apply == nil {
		o.Apply = func(State) ([]string, error) { return nil, nil }
	}
	if o.Scarce == nil {
		o.Scarce = func(error) bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Applied, o.Read, o.Leaving = func(config.Changes) {}, func(bool) {}, func() bool { return false }
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWrongConfigurationIsToldOnce: however often the files are looked at, also
// where the reason may lie elsewhere; and again to whoever asks.
func TestWrongConfigurationIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "application.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const right = "vllm: {services: {a: \"http://a:1\"}}\n"
	write(right)
	source := config.Options{Dir: dir, Check: authorities}
	c, err := config.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(said, 100)
	a := start(t, Options{Config: c, Files: NewFiles(source, slog.New(slog.DiscardHandler)), Log: slog.New(slog.NewTextHandler(lines, nil))})

	authority := filepath.Join(dir, "ca.pem")
	// The order in which a map is walked must not look like a change.
	many := "vllm: {services: {a: {endpoints: [\"http://a:1\"]"
	var pair tlstest.Pair
	for i := range 4 {
		pair = tlstest.New(t)
		many += fmt.Sprintf(", ca-file: %s}, b%d: {endpoints: [\"http://a:1\"]", pair.Certificate, i)
	}
	many += "}}}\n"
	for _, step := range []struct {
		text string
		why  occasion
		want string // in the one line that is written; "" for none
	}{
		{right, seen, ""},
		{right, seen, ""},
		{"a: 1\n", seen, "application.yml:1:1: a: is not a known key"},
		{"a: 1\n", seen, ""},
		{"a: 1\n", asked, "a: is not a known key"},
		{"a: 2\n", seen, "a: is not a known key"}, // another content
		{right, seen, "is applied"},
		{right, seen, ""},
		{"vllm: {services: {a: {endpoints: [\"http://a:1\"], ca-file: " + authority + "}}}\n", seen, "application.yml:1:59: vllm.services.a.ca-file: "},
		{"vllm: {services: {a: {endpoints: [\"http://a:1\"], ca-file: " + authority + "}}}\n", seen, ""},
		{right, seen, "is applied"},
		{many, seen, "is applied"},
		{many, seen, ""},
		{many, seen, ""},
		{many, seen, ""},
		{many, asked, "is as it was"},
	} {
		write(step.text)
		if a.reconcile(t.Context(), step.why) {
			if got := lines.take(); got != "" {
				t.Errorf("of %q, which may be half written, the log says %q", step.text, got)
			}
			a.reconcile(t.Context(), step.why) // it is as it was
		}
		if got := lines.take(); (got == "") != (step.want == "") || !strings.Contains(got, step.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("of %q the log says %q, want %q", step.text, got, step.want)
		}
	}
	write("vllm: {serv") // and then the rest
	if !a.reconcile(t.Context(), seen) || lines.take() != "" {
		t.Error("a file that is half written is told as wrong")
	}
	write(many)
	if a.reconcile(t.Context(), seen) || lines.take() != "" {
		t.Error("a file that was half written, and is as it was, is told of")
	}
	pair.Renew(t)
	a.reconcile(t.Context(), seen)
	if got := lines.take(); !strings.Contains(got, "is applied") {
		t.Errorf("of a file that the configuration names, and that has changed, the log says %q", got)
	}
}
