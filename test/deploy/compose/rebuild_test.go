package compose_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// compiler stands for the go command: what it builds says what the source said, until it is told
// to end. Source that says BROKEN does not build.
const compiler = `#!/bin/sh
grep -q BROKEN cmd/main.go && exit 1
while [ "$1" != -o ]; do shift; done
cat >"$2" <<END
#!/bin/sh
trap 'echo "$(cat cmd/main.go) has ended"; exit 0' TERM
echo "$(cat cmd/main.go) runs \$*"
while :; do sleep 0.05; done
END
chmod +x "$2"
`

// TestLiveRebuild: scripts/live-rebuild.sh, which the file for development runs, replaces what runs
// when the source changes, and lets it go on where the change does not build.
func TestLiveRebuild(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile(deploytest.Path(t, "scripts/live-rebuild.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"scripts/live-rebuild.sh": string(script), "compiler": compiler, "go.mod": "", "go.sum": "", "internal/x.go": "", "cmd/main.go": "one",
	} {
		put(name, text)
	}
	p := deploytest.Start(t, deploytest.Command([]string{"GO=" + dir + "/compiler"}, dir+"/scripts/live-rebuild.sh", "--interval", "0.1", "--", "--profile", "dev"))
	p.Await(t, "one runs serve --profile dev")
	put("cmd/main.go", "BROKEN")
	p.Await(t, "does not build")
	if strings.Contains(p.Output(), "has ended") {
		t.Errorf("what ran has ended, and there is nothing in its place:\n%s", p.Output())
	}
	put("cmd/main.go", "three")
	p.Await(t, "three runs serve --profile dev")
	if !strings.Contains(p.Output(), "one has ended") {
		t.Errorf("what ran before has not been told to end:\n%s", p.Output())
	}
	p.Signal(syscall.SIGTERM)
	p.Await(t, "three has ended")
	if code, ended := p.Ended(deploytest.Patience); !ended || code != 0 {
		t.Errorf("it ended with %d (%t)", code, ended)
	}
}

// TestRefusals: the scripts refuse what they do not understand, and say how they are used.
func TestRefusals(t *testing.T) {
	for _, script := range []string{"scripts/live-rebuild.sh", "scripts/build-image.sh"} {
		path := deploytest.Path(t, script)
		if out := deploytest.Output(t, deploytest.Command(nil, path, "--help")); !strings.HasPrefix(out, "usage: "+script) {
			t.Errorf("%s --help says %q", script, out)
		}
		for _, args := range [][]string{{"--nonsense"}, {"nonsense"}, {"--interval", "x"}, {"--arch", "s390x"}, {"--engine", "x"}, {"--tag"}} {
			if out, err := deploytest.Command(nil, append([]string{path}, args...)...).CombinedOutput(); err == nil {
				t.Errorf("%s takes %v: %s", script, args, out)
			}
		}
	}
}
