package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// verdict is what the tests say of a mutant.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "survived"
	unbuilt  verdict = "does not compile"
)

// failed finds the first test that failed.
var failed = regexp.MustCompile(`--- FAIL: (\S+)|panic: [^\n]*`)

// try runs the tests of the area of m on the changed code, and returns what came of it
// and, of a mutant that is killed, which test has killed it.
func (m *mutant) try(ctx context.Context, dir string) (verdict, string, error) {
	changed := filepath.Join(dir, filepath.Base(m.path))
	whole, err := filepath.Abs(m.path)
	if err != nil {
		return "", "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {whole: changed}})
	if err != nil {
		return "", "", err
	}
	listed := filepath.Join(dir, "overlay.json")
	if err := errors.Join(os.WriteFile(changed, m.mutated(), 0o600), os.WriteFile(listed, overlay, 0o600)); err != nil {
		return "", "", err
	}
	out, err := test(ctx, m.area, "-overlay", listed)
	switch {
	case err == nil:
		return survived, "", nil
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		return unbuilt, "", nil
	}
	return killed, failed.FindString(out), ctx.Err()
}

// test runs the tests of an area, until one fails.
func test(ctx context.Context, a *area, args ...string) (out string, err error) {
	for _, turn := range a.turns() {
		if out, err = run(ctx, a, append(turn, args...)); err != nil {
			break
		}
	}
	return out, err
}

// run runs those tests of an area that args choose.
func run(ctx context.Context, a *area, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.patience+time.Minute) // to build them
	defer cancel()
	args = append(append([]string{"test", "-failfast", "-count=1", "-vet=off", "-timeout", a.patience.String()}, args...), a.tests...)
	command := exec.CommandContext(ctx, "go", args...)
	command.WaitDelay = 10 * time.Second
	out, err := command.CombinedOutput()
	return string(out), err
}
