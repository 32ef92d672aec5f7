package script_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a copy of the repository with a history of its own, so that no setting of git of the real one
// is changed.
type checkout struct {
	t      *testing.T
	folder string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{t, t.TempDir()}
	for _, path := range []string{"scripts", "go.mod", "go.sum", "Makefile"} {
		if out, err := exec.Command("cp", "-r", filepath.Join(root, path), c.folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	c.must("git", "init", "--quiet")
	c.must("git", "config", "user.name", "somebody")
	c.must("git", "config", "user.email", "somebody@example.com")
	return c
}

// do runs a command in the checkout and returns what it said and its exit code.
func (c *checkout) do(name string, arguments ...string) (string, int) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, arguments...)
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (c *checkout) must(name string, arguments ...string) string {
	c.t.Helper()
	out, code := c.do(name, arguments...)
	if code != 0 {
		c.t.Fatalf("%s %v ends with %d: %s", name, arguments, code, out)
	}
	return strings.TrimSpace(out)
}

func (c *checkout) write(path, text string) {
	c.t.Helper()
	path = filepath.Join(c.folder, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// TestSetupHooks: the hooks are set up once, however often it is asked, and another folder of hooks stays.
func TestSetupHooks(t *testing.T) {
	c := newCheckout(t)
	if out, code := c.do("scripts/setup-dev-env.sh", "--check"); code != 1 || !strings.Contains(out, "missing: the hooks of git") {
		t.Errorf("before: %d: %s", code, out)
	}
	for range 2 {
		c.must("scripts/setup-dev-env.sh", "--hooks")
		if got := c.must("git", "config", "--get-all", "core.hooksPath"); got != "scripts/git-hooks" {
			t.Errorf("the folder of hooks is %q", got)
		}
	}
	if out, _ := c.do("scripts/setup-dev-env.sh", "--check"); strings.Contains(out, "hooks") {
		t.Errorf("after: %s", out)
	}
	c.must("git", "config", "core.hooksPath", "mine")
	if out, code := c.do("scripts/setup-dev-env.sh", "--hooks"); code != 1 || !strings.Contains(out, "mine, and stays") {
		t.Errorf("%d: %s", code, out)
	}
	if got := c.must("git", "config", "core.hooksPath"); got != "mine" {
		t.Errorf("the folder of hooks is now %q", got)
	}
}

// TestSetupCheckNamesWhatIsMissing: a machine with little on it, and Go older than go.mod wants.
func TestSetupCheckNamesWhatIsMissing(t *testing.T) {
	c := newCheckout(t)
	few := t.TempDir()
	for _, name := range []string{"bash", "dirname", "sed", "git", "make", "sort", "head"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(few, name)); err != nil {
			t.Fatal(err)
		}
	}
	old := "#!" + filepath.Join(few, "bash") + "\ncase $1 in env) echo go1.9 ;; *) echo go version go1.9 linux/amd64 ;; esac\n"
	if err := os.WriteFile(filepath.Join(few, "go"), []byte(old), 0o700); err != nil {
		t.Fatal(err)
	}
	out, code := c.do("env", "-i", "PATH="+few, "scripts/setup-dev-env.sh", "--check")
	if code != 1 {
		t.Errorf("it ends with %d", code)
	}
	for _, want := range []string{"go version go1.9", "gcc", "redis-server", "node"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not named: %s", want, out)
		}
	}
}

// TestHooks: what the hooks refuse, and what they let through.
func TestHooks(t *testing.T) {
	c := newCheckout(t)
	c.must("scripts/setup-dev-env.sh", "--hooks")
	commit := func(message string) (string, int) { return c.do("git", "commit", "--quiet", "-m", message) }
	c.must("git", "add", "scripts")
	if out, code := commit("something was done"); code == 0 || !strings.Contains(out, "limit: charge all windows or none") {
		t.Errorf("a message without a place: %d: %s", code, out)
	}
	for _, message := range []string{"scripts: they are here", "feat: one as before"} {
		c.write("notes.txt", message)
		c.must("git", "add", "notes.txt")
		if out, code := commit(message); code != 0 {
			t.Errorf("%s: %d: %s", message, code, out)
		}
	}
	for _, f := range []struct{ path, text, want string }{
		{"a.go", "package a\nfunc  f() {}\n", "a.go"},
		{"b.go", "package", "b.go"},
		{"c.sh", "#!/bin/sh\nrm -rf $1/*\n", "c.sh"},
	} {
		c.write(f.path, f.text)
		c.must("git", "add", f.path)
		if out, code := commit("scripts: a mistake"); code == 0 || !strings.Contains(out, f.want) {
			t.Errorf("%s: %d: %s", f.path, code, out)
		}
		c.must("git", "rm", "--quiet", "--cached", "-f", f.path)
	}
	c.write("a.go", "package a\n\nfunc f() {}\n")
	c.must("git", "add", "a.go")
	c.write("a.go", "package a\nfunc  later() {}\n") // not staged
	if out, code := commit("a: formatted"); code != 0 {
		t.Errorf("what is staged is formatted: %d: %s", code, out)
	}
}

// TestSetup runs the whole of it twice, in a copy that has the packages which make test has installed here.
func TestSetup(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary")
	}
	if out, code := run(t, nil, "scripts/install-test-needs.sh"); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	c := newCheckout(t)
	for _, path := range []string{"cmd", "internal", "configs", "tools"} {
		if out, err := exec.Command("cp", "-r", filepath.Join(root, path), c.folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, folder := range []string{"test/sdk/node", "test/sdk/python"} {
		into := filepath.Join(c.folder, folder)
		if out, err := exec.Command("sh", "-c", `mkdir -p "$2" && cp -a "$1/." "$2"`, "sh", filepath.Join(root, folder), into).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for range 2 {
		out := c.must("scripts/setup-dev-env.sh")
		if !strings.Contains(out, "all is there") {
			t.Errorf("it says %s", out)
		}
	}
	c.must("bin/token-rate-limiter", "version")
	c.must("scripts/setup-dev-env.sh", "--check")
}
