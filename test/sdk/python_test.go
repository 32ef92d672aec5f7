package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// startPython starts a script of the folder python, in the environment there.
func startPython(t *testing.T, script string) *process {
	t.Helper()
	needInstalled(t, "python/requirements.txt", "python/.venv")
	return startProcess(t, "python", filepath.Join(".venv", "bin", "python"), script)
}

// needInstalled fails where a folder does not hold what a lock file lists.
func needInstalled(t *testing.T, lock, folder string) {
	t.Helper()
	listed, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(listed)
	installed, _ := os.ReadFile(filepath.Join(folder, ".installed")) // missing is another one
	if got, want := strings.TrimSpace(string(installed)), hex.EncodeToString(sum[:]); got != want {
		t.Fatalf("test/sdk/%s does not hold what test/sdk/%s lists: make needs", folder, lock)
	}
}

// asynchronous is a library whose asynchronous client is asked.
type asynchronous struct{ library }

func (l asynchronous) run(ctx context.Context, c call) (outcome, error) {
	c.Async = true
	return l.library.run(ctx, c)
}
