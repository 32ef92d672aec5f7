package control

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
	source := config.Options{Dir: dir}
	c, err := config.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	files := NewFiles(source, slog.New(slog.DiscardHandler))
	a := start(t, Options{Config: c, Files: files})
	a.reconcile(t.Context(), seen)
	if files.stale() {
		t.Error("there is something to read, and nothing has changed")
	}
	write("key", "second\n")
	if !files.stale() {
		t.Error("the changed secret is not seen")
	}
	a.reconcile(t.Context(), seen)
	if got := a.State().Config.Services["a"].APIKey; got != "second" || files.stale() {
		t.Errorf("the model server's key is %q", got)
	}
}
