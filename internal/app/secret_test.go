package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// TestSecretsInFilesAreReadAgain: a secret that a variable names the file of is followed as
// the configuration's own files are.
func TestSecretsInFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("application.yml", "vllm: {services: {a: {endpoints: ['http://a:1'], api-key: '${MODEL_SERVER_KEY}'}}}\n")
	t.Setenv("MODEL_SERVER_KEY_FILE", write("key", "first\n"))
	source := config.Options{Dir: dir, Check: CheckFiles}
	c, err := config.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Config: c, Source: &source, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close(t.Context())
	a.reload(seen)
	if a.stale() {
		t.Error("there is something to read, and nothing has changed")
	}
	write("key", "second\n")
	if !a.stale() {
		t.Error("the changed secret is not seen")
	}
	a.reload(seen)
	if got := a.current.Load().config.Services["a"].APIKey; got != "second" || a.stale() {
		t.Errorf("the model server's key is %q", got)
	}
}
