package certificate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
)

// TestReadFile: what is no file, or has no end, is an error and not waited for.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"largest": config.FileBytesMax, "larger": config.FileBytesMax + 1} {
		overwrite(t, in(name), "")
		if err := os.Truncate(in(name), size); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(in("largest"), in("link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"largest": config.FileBytesMax, "link": config.FileBytesMax} {
		if text, err := ReadFile(in(name)); err != nil || len(text) != want {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(text), err, want)
		}
	}
	for _, name := range []string{in("pipe"), dir, "/dev/zero"} {
		if _, err := ReadFile(name); !errors.Is(err, config.ErrNotRegular) {
			t.Errorf("%s: %v, want %v", name, err, config.ErrNotRegular)
		}
	}
	if _, err := ReadFile(in("larger")); err == nil || !strings.Contains(err.Error(), "1048576 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
}
