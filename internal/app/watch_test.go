package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// TestRest: files are read once nobody has touched them for a while, and at last
// although somebody goes on.
func TestRest(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	var r rest
	var read time.Time // when the timer fires unless it is set anew
	for _, step := range []struct {
		at, want time.Duration // since begin; the time to wait
	}{
		{0, restFor},
		{restFor / 2, restFor},
		{restLatest - restFor/4, restFor / 4},
		{restLatest, 0},
		{restLatest + time.Second, 0}, // a late timer waits for nothing more
	} {
		now := begin.Add(step.at)
		if got := r.disturbed(now); got != step.want || !r.waiting() {
			t.Errorf("after %v it waits %v, want %v", step.at, got, step.want)
		}
		read = now.Add(step.want)
	}
	r = rest{}
	if got := r.disturbed(read); got != restFor {
		t.Errorf("after files have been read it waits %v, want %v", got, restFor)
	}
}

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
	source := config.Options{Dir: dir, Check: CheckFiles}
	c, err := config.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(said, 100)
	a, err := New(t.Context(), Options{Config: c, Source: &source, Log: slog.New(slog.NewTextHandler(lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close(t.Context())

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
		if a.reload(step.why) {
			if got := lines.take(); got != "" {
				t.Errorf("of %q, which may be half written, the log says %q", step.text, got)
			}
			a.reload(step.why) // it is as it was
		}
		if got := lines.take(); (got == "") != (step.want == "") || !strings.Contains(got, step.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("of %q the log says %q, want %q", step.text, got, step.want)
		}
	}
	write("vllm: {serv") // and then the rest
	if !a.reload(seen) || lines.take() != "" {
		t.Error("a file that is half written is told as wrong")
	}
	write(many)
	if a.reload(seen) || lines.take() != "" {
		t.Error("a file that was half written, and is as it was, is told of")
	}
	pair.Renew(t)
	a.reload(seen)
	if got := lines.take(); !strings.Contains(got, "is applied") {
		t.Errorf("of a file that the configuration names, and that has changed, the log says %q", got)
	}
}
