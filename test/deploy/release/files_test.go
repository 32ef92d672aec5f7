package release_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// TestFiles makes the files of a release in two clones, made by people with different umasks.
func TestFiles(t *testing.T) {
	one, two := clone(t), clone(t)
	files := releaseFiles(t, one, "umask 022")
	again := releaseFiles(t, two, "umask 077")
	if diff := cmp.Diff(files["SHA256SUMS"], again["SHA256SUMS"]); diff != "" {
		t.Errorf("two makings of one commit (-one +two):\n%s", diff)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		name := "token-rate-limiter-linux-" + arch
		checkArchive(t, files[name+".tar.gz"])
		checkSBOM(t, one, files[name+".cdx.json"])
		if !strings.Contains(files["SHA256SUMS"], name+".tar.gz\n") || !strings.Contains(files["SHA256SUMS"], name+".cdx.json\n") {
			t.Errorf("SHA256SUMS lacks those of %s:\n%s", arch, files["SHA256SUMS"])
		}
	}
}

// clone returns a new clone of the repository.
func clone(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "clone")
	deploytest.Output(t, deploytest.Command(nil, "git", "clone", "-q", "--no-hardlinks", deploytest.Path(t, "."), folder))
	return folder
}

// releaseFiles makes the files of a clone, and returns their texts by their names.
func releaseFiles(t *testing.T, folder, before string) map[string]string {
	t.Helper()
	cmd := deploytest.Command(settings(t), "sh", "-c", before+" && make --no-print-directory -s release-files VERSION="+version)
	cmd.Dir = folder
	deploytest.Output(t, cmd)
	paths, err := filepath.Glob(filepath.Join(folder, "bin/release/*"))
	if err != nil || len(paths) != 5 {
		t.Fatalf("the files are %v (%v)", paths, err)
	}
	files := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(text)
	}
	return files
}

// checkArchive wants the program and its configuration below a folder of the version, and nobody's names.
func checkArchive(t *testing.T, text string) {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(h.Name, "token-rate-limiter-"+version+"/")
		if !ok || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Mode&0o022 != 0 {
			t.Errorf("%s belongs to %d:%d %s, with the mode %o", h.Name, h.Uid, h.Gid, h.Uname, h.Mode)
		}
		modes[rest] = h.Mode
	}
	for name, mode := range map[string]int64{"token-rate-limiter": 0o755, "configs/application.yml": 0o644, "LICENSE": 0o644, "README.md": 0o644} {
		if modes[name] != mode {
			t.Errorf("%s has the mode %o, want %o", name, modes[name], mode)
		}
	}
}

// checkSBOM wants the modules that the binary is built from, as go.mod has them.
func checkSBOM(t *testing.T, folder, text string) {
	t.Helper()
	var bom struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(text), &bom); err != nil {
		t.Fatal(err)
	}
	if c := bom.Metadata.Component; bom.BOMFormat != "CycloneDX" || c.Version != version || !strings.HasSuffix(c.Name, "/token-rate-limiter") {
		t.Errorf("it is of %+v, in %s", c, bom.BOMFormat)
	}
	module, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range bom.Components {
		names = append(names, c.Name)
		if c.Name != "std" && !strings.Contains(string(module), c.Name+" "+c.Version) {
			t.Errorf("%s %s is not in go.mod", c.Name, c.Version)
		}
	}
	for _, name := range []string{"std", "github.com/redis/rueidis", "github.com/prometheus/client_golang"} {
		if !slices.Contains(names, name) {
			t.Errorf("the SBOM lacks %s: %v", name, names)
		}
	}
}
