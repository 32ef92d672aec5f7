package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

const changelog = `# Changelog

## [Unreleased]

- not yet

## [1.10.0] - 2027-01-02

### Added

- ten
  - and more

## [1.1.0-rc.1] - 2026-12-24

- a candidate

## [1.1.0] - 2026-12-31
## [1.0.0] - 2026-12-01

- first

[1.0.0]: https://example.com
`

// TestNotes reads a changelog with versions that begin alike, without notes, and at its end.
func TestNotes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	if err := os.WriteFile(file, []byte(changelog), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{
		"v1.10.0":     "### Added\n\n- ten\n  - and more\n",
		"1.10.0":      "### Added\n\n- ten\n  - and more\n",
		"v1.1.0-rc.1": "- a candidate\n",
		"v1.0.0":      "- first\n",
	} {
		out, err := notes(version, file)
		if err != nil || out != want {
			t.Errorf("%s: %v\n%q, want\n%q", version, err, out, want)
		}
	}
	for version, code := range map[string]int{"v1.1.0": 1, "v2.0.0": 1, "v1.1": 2, "latest": 2, "v1.0.0/..": 2} {
		out, err := notes(version, file)
		if failed, ok := err.(*exec.ExitError); !ok || failed.ExitCode() != code || out != "" {
			t.Errorf("%s ends with %v and prints %q, want %d", version, err, out, code)
		}
	}
	cmd := deploytest.Command(nil, "make", "--no-print-directory", "-s", "release-notes", "VERSION=v9.9.9")
	cmd.Dir = deploytest.Root
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "says nothing of 9.9.9") {
		t.Errorf("make release-notes: %v\n%s", err, out)
	}
}

func notes(version, file string) (string, error) {
	cmd := deploytest.Command(nil, "scripts/release-notes.sh", version, file)
	cmd.Dir = deploytest.Root
	out, err := cmd.Output()
	return string(out), err
}
