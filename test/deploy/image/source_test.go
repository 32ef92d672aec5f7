package image_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// final returns the last stage of a Dockerfile, without its comments.
func final(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deploytest.Root, "docker", name))
	if err != nil {
		t.Fatal(err)
	}
	_, stage, found := strings.Cut(string(b), "\nFROM scratch\n")
	if !found {
		t.Fatalf("%s has no FROM scratch", name)
	}
	var lines []string
	for line := range strings.Lines(stage) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestDockerfilesAgree: both ways make the same image, but for where the program comes from.
func TestDockerfilesAgree(t *testing.T) {
	source := strings.Join(final(t, "Dockerfile"), "")
	release := strings.Join(final(t, "Dockerfile.release"), "")
	source = strings.Replace(source, "--from=build /out/token-rate-limiter", "PROGRAM", 1)
	release = strings.Replace(release, "bin/linux/$TARGETARCH/token-rate-limiter", "PROGRAM", 1)
	release = strings.Replace(release, "ARG TARGETARCH\n", "", 1)
	if diff := cmp.Diff(source, release); diff != "" {
		t.Errorf("docker/Dockerfile and docker/Dockerfile.release differ (-source +release):\n%s", diff)
	}
}

// toolchain makes the image that docker/Dockerfile begins with out of this machine's: nothing but
// links into folders that are mounted when it is used.
func (e engine) toolchain(t *testing.T) (mounts []string) {
	t.Helper()
	golang := strings.TrimSpace(deploytest.Output(t, deploytest.Command(e.env, "go", "env", "GOROOT")))
	get := func(name string) string {
		return strings.TrimSpace(deploytest.Output(t, deploytest.Command(e.env, "go", "env", name)))
	}
	script := `set -e
c=$(buildah from --pull-never scratch)
m=$(buildah mount "$c")
mkdir -p "$m/usr" "$m/etc/ssl" "$m/tmp" "$m/proc" "$m/dev" "$m/go/pkg/mod" "$m/cache" "$m` + golang + `"
for d in bin lib lib64 sbin; do ln -s usr/$d "$m/$d"; done
buildah umount "$c" >/dev/null
buildah config --env PATH="` + golang + `/bin:/usr/bin:/bin" --env GOPROXY="$1" --env GOMODCACHE=/go/pkg/mod --env GOCACHE=/cache --env GOFLAGS="$2" --env HOME=/tmp --env GOTOOLCHAIN=local "$c"
buildah commit -q --rm "$c" docker.io/library/golang:` + goVersion(t)
	deploytest.Output(t, deploytest.Command(e.env, "sh", "-c", script, "sh", get("GOPROXY"), get("GOFLAGS")))
	return []string{
		"--volume", "/usr:/usr:ro", "--volume", "/etc/ssl:/etc/ssl:ro", "--volume", golang + ":" + golang + ":ro",
		"--volume", get("GOMODCACHE") + ":/go/pkg/mod", "--volume", get("GOCACHE") + ":/cache",
	}
}

// TestImageFromSource builds docker/Dockerfile with this machine's toolchain in place of the image
// that it names, because tests pull no images. The program in it is the one that the image from
// binaries has.
func TestImageFromSource(t *testing.T) {
	e := newEngine(t)
	mounts := e.toolchain(t)
	tree := clone(t, 0o022)
	args := []string{"build", "--pull-never", "--format", "docker", "--timestamp", "0", "--identity-label=false",
		"--build-arg", "VERSION=1.2.3", "--build-arg", "COMMIT=abc", "--build-arg", "CREATED=1970-01-01T00:00:00Z"}
	e.buildah(t, append(append(args, mounts...), "-f", filepath.Join(tree, "docker/Dockerfile"), "-t", "localhost/from-source", tree)...)
	fromSource := e.save(t, "localhost/from-source")
	checkFiles(t, fromSource)
	checkConfig(t, fromSource, runtime.GOARCH)
	checkHealthcheck(t, fromSource)
	cmd := deploytest.Command(e.env, "make", "release", "ARCHES="+runtime.GOARCH, "VERSION=1.2.3", "COMMIT=abc")
	cmd.Dir = tree
	deploytest.Output(t, cmd)
	sum := func(path string) [sha256.Size]byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(b)
	}
	if sum(filepath.Join(fromSource.unpack(t), binary)) != sum(filepath.Join(tree, "bin/linux", runtime.GOARCH, "token-rate-limiter")) {
		t.Error("the program of docker/Dockerfile is not the one that `make release` builds")
	}
}

// TestGoVersions: images are built by the Go that the module wants.
func TestGoVersions(t *testing.T) {
	want := goVersion(t)
	for _, name := range []string{"docker/Dockerfile", "docker/Dockerfile.dev"} {
		if got := read(t, name, `^ARG GO_VERSION=(.*)$`); got != want {
			t.Errorf("%s has Go %s, and go.mod wants %s", name, got, want)
		}
	}
}

// goVersion returns the version of Go that the module wants, such as 1.26.
func goVersion(t *testing.T) string {
	t.Helper()
	return read(t, "go.mod", `^go (\d+\.\d+)`)
}

// read returns what the pattern's group matches in a file of the repository.
func read(t *testing.T, name, pattern string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deploytest.Root, name))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)` + pattern).FindSubmatch(b)
	if m == nil {
		t.Fatalf("%s has no %s", name, pattern)
	}
	return string(m[1])
}
