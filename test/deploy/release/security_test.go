package release_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestSecurity wants the scan for secrets to find one that is committed and one that is not, and the others
// to find what is planted. That they find nothing else is what `make security` is for.
func TestSecurity(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "clone")
	deploytest.Output(t, deploytest.Command(nil, "git", "clone", "-q", "--depth", "1", "file://"+deploytest.Path(t, "."), folder))
	scan := func() (string, bool) {
		cmd := deploytest.Command(settings(t), "scripts/security.sh", "secrets")
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	if out, ok := scan(); !ok {
		t.Errorf("it finds something in this commit:\n%s", out)
	}
	planted := filepath.Join(folder, "planted.env")
	if err := os.WriteFile(planted, []byte("github_token = \"ghp_"+random(36)+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, ok := scan(); ok || !strings.Contains(out, "github-pat") {
		t.Errorf("a planted token is not found:\n%s", out)
	}
	for _, arguments := range [][]string{{"add", "planted.env"}, {"-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "-q", "-m", "plant"}, {"rm", "-q", "planted.env"}} {
		cmd := deploytest.Command(nil, append([]string{"git"}, arguments...)...)
		cmd.Dir = folder
		deploytest.Output(t, cmd)
	}
	if out, ok := scan(); ok || !strings.Contains(out, "planted.env") {
		t.Errorf("a token in the history is not found:\n%s", out)
	}
	gosec := filepath.Join(tool(t, "gosec"), "gosec")
	module := write(t, map[string]string{
		"go.mod":  "module example.com/planted\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"os/exec\"\n\nfunc main() { _ = exec.Command(\"sh\", \"-c\", input()).Run() }\n\nvar input = func() string { return \"\" }\n",
	})
	cmd := deploytest.Command(settings(t), gosec, "-quiet", "./...")
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "G204") {
		t.Errorf("gosec: %v\n%s", err, out)
	}
}

// TestVulnerabilities lets govulncheck judge a package of the gateway by two databases of the test's: one
// that knows nothing, and one that knows of a function which the package calls.
func TestVulnerabilities(t *testing.T) {
	govulncheck := filepath.Join(tool(t, "govulncheck"), "govulncheck")
	judge := func(vulnerabilities string, files map[string]string) (string, int) {
		files["index/db.json"] = `{"modified":"2026-11-30T00:00:00Z"}`
		files["index/modules.json"] = vulnerabilities
		cmd := deploytest.Command(settings(t), govulncheck, "-C", deploytest.Root, "-db", "file://"+write(t, files), "./internal/store/redis")
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := judge("[]", map[string]string{}); code != 0 {
		t.Errorf("with an empty database it ends with %d:\n%s", code, out)
	}
	const module = "github.com/redis/rueidis"
	out, code := judge(fmt.Sprintf(`[{"path":%q,"vulns":[{"id":"GO-2026-9999","modified":"2026-11-30T00:00:00Z"}]}]`, module), map[string]string{
		"ID/GO-2026-9999.json": fmt.Sprintf(`{"schema_version":"1.3.1","id":"GO-2026-9999","modified":"2026-11-30T00:00:00Z","published":"2026-11-30T00:00:00Z",
"summary":"planted","affected":[{"package":{"name":%q,"ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
"ecosystem_specific":{"imports":[{"path":%q,"symbols":["NewClient"]}]}}],"database_specific":{"url":"https://example.com"}}`, module, module),
	})
	if code != 3 || !strings.Contains(out, "GO-2026-9999") {
		t.Errorf("with a vulnerability of rueidis.NewClient it ends with %d:\n%s", code, out)
	}
}

// tool returns the folder of a program of tools/.
func tool(t *testing.T, name string) string {
	t.Helper()
	cmd := deploytest.Command(settings(t), "scripts/build-tools.sh", name)
	cmd.Dir = deploytest.Root
	return strings.TrimSpace(deploytest.Output(t, cmd))
}

// write writes files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// random returns so many letters and digits: what is written down here would itself be found.
func random(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return string(b)
}
