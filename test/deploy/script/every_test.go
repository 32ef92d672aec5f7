package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is where the repository is.
const root = "../../.."

// scripts returns the scripts of the repository by their paths from its root.
func scripts(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(root, "scripts/*.sh"))
	if err != nil || len(all) < 9 {
		t.Fatalf("there are %d scripts only (%v)", len(all), err)
	}
	for i, path := range all {
		all[i] = strings.TrimPrefix(path, root+"/")
	}
	return all
}

// programs returns those that are run: others are read by them.
func programs(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(scripts(t), func(path string) bool {
		info, err := os.Stat(filepath.Join(root, path))
		return err != nil || info.Mode()&0o100 == 0
	})
}

// run runs a program at the root of the repository, with further variables, and returns what it wrote
// and its exit code.
func run(t *testing.T, variables []string, program string, arguments ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), variables...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("%s does not run: %v", program, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestShellcheck looks at scripts and the hooks of git.
func TestShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Fatal("the scripts are checked with shellcheck: scripts/install-deploy-needs.sh")
	}
	hooks, err := filepath.Glob(filepath.Join(root, "scripts/git-hooks/*"))
	if err != nil || len(hooks) < 3 {
		t.Fatalf("there are %d hooks only (%v)", len(hooks), err)
	}
	for i, path := range hooks {
		hooks[i] = strings.TrimPrefix(path, root+"/")
	}
	files := append(slices.Concat(scripts(t), hooks), ".ci/run")
	if out, code := run(t, nil, "shellcheck", append([]string{"-x"}, files...)...); code != 0 {
		t.Error(out)
	}
	planted := filepath.Join(t.TempDir(), "planted.sh")
	if err := os.WriteFile(planted, []byte("#!/bin/sh\nrm -rf $1/*\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, nil, "shellcheck", planted); code == 0 {
		t.Errorf("a planted mistake is not found: %s", out)
	}
}

// TestHelp wants each script to say what it is for, also by -h, and to do nothing else.
func TestHelp(t *testing.T) {
	for _, script := range programs(t) {
		for _, flag := range []string{"--help", "-h"} {
			out, code := run(t, nil, script, flag)
			if code != 0 || !strings.Contains(out, script) && !strings.Contains(out, filepath.Base(script)) {
				t.Errorf("%s %s ends with %d and says\n%s", script, flag, code, out)
			}
			if strings.Contains(out, "set -e") || strings.HasPrefix(out, "#") {
				t.Errorf("%s %s prints its own code:\n%s", script, flag, out)
			}
		}
	}
}

// TestUnknownFlags wants each script to refuse what it does not understand, with code 2 and
// the word that is wrong.
func TestUnknownFlags(t *testing.T) {
	for _, script := range programs(t) {
		for _, argument := range []string{"--no-such-flag", "-x"} {
			out, code := run(t, nil, script, argument)
			if code != 2 || !strings.Contains(out, argument) {
				t.Errorf("%s %s ends with %d and says %q", script, argument, code, out)
			}
		}
	}
}

// TestMisuse is about values that make no sense.
func TestMisuse(t *testing.T) {
	for _, line := range []string{
		"scripts/backup-redis.sh --port",
		"scripts/backup-redis.sh --port 6379x",
		"scripts/backup-redis.sh --keep -1",
		"scripts/backup-redis.sh --directory",
		"scripts/backup-redis.sh --ca-file ca.pem",
		"scripts/backup-redis.sh --restore a.rdb --verify b.rdb",
		"scripts/backup-redis.sh copy.rdb",
		"scripts/deploy-k8s.sh --delete --dry-run",
		"scripts/deploy-k8s.sh --timeout 10",
		"scripts/deploy-k8s.sh --timeout 0m",
		"scripts/deploy-k8s.sh --context",
		"scripts/deploy-k8s.sh --image",
		"scripts/deploy-k8s.sh --image a:1 --delete",
		"scripts/deploy-k8s.sh model-serving",
		"scripts/setup-dev-env.sh --check --hooks",
		"scripts/setup-dev-env.sh hooks",
		"scripts/fuzz.sh ten",
		"scripts/load-test.sh k6-lod",
		"scripts/profile.sh now",
	} {
		words := strings.Fields(line)
		if out, code := run(t, nil, words[0], words[1:]...); code != 2 || out == "" {
			t.Errorf("%s ends with %d and says %q", line, code, out)
		}
	}
}
