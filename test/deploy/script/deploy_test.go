package script_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// silent is a kubectl whose cluster takes everything, and does not answer when it is asked what there is.
const silent = `#!/bin/sh
case "$*" in
  *"get -R -f"*) echo "the connection was lost" >&2 && exit 1 ;;
  *" patch "*) cat >/dev/null ;;
esac
`

// TestDeployWhereTheClusterStopsToAnswer: what is not known is not said to run, and not said to be gone.
func TestDeployWhereTheClusterStopsToAnswer(t *testing.T) {
	kubectl := filepath.Join(t.TempDir(), "kubectl")
	if err := os.WriteFile(kubectl, []byte(silent), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{nil, {"--delete"}} {
		out, code := run(t, []string{"KUBECTL=" + kubectl}, "scripts/deploy-k8s.sh", arguments...)
		if code != 1 || !strings.Contains(out, "the connection was lost") || strings.Contains(out, "The gateways run") || strings.Contains(out, "nothing of") {
			t.Errorf("%v: %d: %s", arguments, code, out)
		}
	}
}

// keeping is a kubectl whose cluster takes everything, and that keeps what it was told to apply last, by file.
const keeping = `#!/bin/sh
case "$*" in
  "apply --validate=strict "*)
    for last; do :; done
    rm -rf "$KEPT" && cp -R "$last" "$KEPT" ;;
  *" patch "*) cat >/dev/null ;;
esac
`

// imageLine is one by which a manifest names an image of the gateway.
var imageLine = regexp.MustCompile(`(?m)^ *image: "?(\S*token-rate-limiter[:@][^"\s]*)"?$`)

// TestDeployOfAnImage: --image is what is applied, by a trial too, and nothing else differs from k8s/, which stays as it is.
func TestDeployOfAnImage(t *testing.T) {
	folder := t.TempDir()
	kubectl, kept := filepath.Join(folder, "kubectl"), filepath.Join(folder, "kept")
	if err := os.WriteFile(kubectl, []byte(keeping), 0o700); err != nil {
		t.Fatal(err)
	}
	before := manifestsOf(t, filepath.Join(root, "k8s"))
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, image := range []string{
		"token-rate-limiter:2", "registry.example.com/token-rate-limiter:1.0.0", "localhost:5000/team/gate_way:v1.0.0-rc.1",
		"registry.example.com/token-rate-limiter@" + digest, "Registry.example.com:443/a/b:x@" + digest,
	} {
		for _, arguments := range [][]string{nil, {"--dry-run"}} {
			out, code := run(t, []string{"KUBECTL=" + kubectl, "KEPT=" + kept}, "scripts/deploy-k8s.sh", append(arguments, "--image", image)...)
			if code != 0 || !strings.Contains(out, "with "+image) {
				t.Fatalf("%s %v: %d: %s", image, arguments, code, out)
			}
			changed := 0
			for name, text := range manifestsOf(t, kept) {
				want := imageLine.ReplaceAllStringFunc(before[name], func(line string) string {
					changed++
					return strings.Replace(line, imageLine.FindStringSubmatch(line)[1], image, 1)
				})
				if text != want {
					t.Errorf("%s: of %s it applies\n%s", image, name, text)
				}
			}
			if changed == 0 {
				t.Fatalf("k8s/ names no image of the gateway, or nothing was applied: %s", out)
			}
		}
	}
	if fmt.Sprint(manifestsOf(t, filepath.Join(root, "k8s"))) != fmt.Sprint(before) {
		t.Error("the script has changed k8s/")
	}
}

// manifestsOf returns the files below a folder.
func manifestsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, folder)] = string(b)
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%s has %d files (%v)", folder, len(files), err)
	}
	return files
}

// TestDeployRefusesWhatIsNoImage, before it asks a cluster.
func TestDeployRefusesWhatIsNoImage(t *testing.T) {
	for _, image := range []string{
		"token-rate-limiter", "registry.example.com/token-rate-limiter", "localhost:5000/x", "x:", ":1", "x:1:2", "X:1", "a//b:1", "/a:1", "a/:1", "-a:1", "a:-1",
		"https://registry.example.com/x:1", "x@sha256:12", "x@md5:" + strings.Repeat("0", 32), "x:1 y:2", "x:1|e", "x:1\ny", `x:"1"`, "a..b/x:1", "x:" + strings.Repeat("1", 129),
	} {
		if out, code := run(t, []string{"KUBECTL=no-such-kubectl"}, "scripts/deploy-k8s.sh", "--image", image); code != 2 || !strings.Contains(out, "--image must be like") {
			t.Errorf("%q: %d: %s", image, code, out)
		}
	}
}
