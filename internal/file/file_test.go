package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRead: what is no file, or has no end, is an error and not waited for.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"largest": BytesMax, "larger": BytesMax + 1} {
		if err := os.WriteFile(in(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(in(name), size); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(in("largest"), in("link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"largest": BytesMax, "link": BytesMax} {
		if text, err := Read(in(name)); err != nil || len(text) != want {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(text), err, want)
		}
	}
	for _, name := range []string{in("pipe"), dir, "/dev/zero"} {
		if _, err := Read(name); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: %v, want %v", name, err, ErrNotRegular)
		}
	}
	if _, err := Read(in("larger")); err == nil || !strings.Contains(err.Error(), "1048576 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
}
