package image_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// engine is buildah with a storage of its own.
type engine struct{ env []string }

func newEngine(t *testing.T) engine {
	t.Helper()
	deploytest.Need(t, "buildah")
	if os.Geteuid() != 0 {
		t.Skip("buildah and a root of its own for a process need root here")
	}
	dir := t.TempDir()
	storage := filepath.Join(dir, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run")
	if err := os.WriteFile(storage, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"CONTAINERS_STORAGE_CONF=" + storage, "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot"}
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOFLAGS", "GOSUMDB", "GOCACHE", "GOMODCACHE"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return engine{env}
}

// buildah runs a command of buildah in the repository.
func (e engine) buildah(t *testing.T, args ...string) string {
	t.Helper()
	cmd := deploytest.Command(e.env, append([]string{"buildah"}, args...)...)
	cmd.Dir = deploytest.Root
	return deploytest.Output(t, cmd)
}

// clone returns a new clone of the repository, made by somebody with this umask.
func clone(t *testing.T, umask int) string {
	t.Helper()
	before := syscall.Umask(umask)
	defer syscall.Umask(before)
	dir := filepath.Join(t.TempDir(), "clone")
	deploytest.Output(t, deploytest.Command(nil, "git", "clone", "-q", "--no-hardlinks", deploytest.Path(t, "."), dir))
	return dir
}

// build builds the image of a tree by the project's own script.
func (e engine) build(t *testing.T, tree, arch string) image {
	t.Helper()
	const tag = "localhost/token-rate-limiter"
	cmd := deploytest.Command(e.env, "scripts/build-image.sh", "--engine", "buildah", "--arch", arch, "--tag", tag)
	cmd.Dir = tree
	deploytest.Output(t, cmd)
	return e.save(t, tag)
}

// image is one that lies in a folder, as a registry would have it.
type image struct {
	folder   string
	digest   string
	manifest struct {
		Config blob   `json:"config"`
		Layers []blob `json:"layers"`
	}
	config struct {
		Architecture string `json:"architecture"`
		Created      string `json:"created"`
		Config       config `json:"config"`
	}
}

type blob struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

// config is what an image says of how it is run.
type config struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	WorkingDir   string
	ExposedPorts map[string]struct{}
	Labels       map[string]string
	Healthcheck  struct{ Test []string }
}

// save writes an image into a folder and reads what it says.
func (e engine) save(t *testing.T, tag string) image {
	t.Helper()
	i := image{folder: filepath.Join(t.TempDir(), "image")}
	e.buildah(t, "push", "-q", tag, "dir:"+i.folder)
	manifest, err := os.ReadFile(filepath.Join(i.folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	i.digest = fmt.Sprintf("sha256:%x", sha256.Sum256(manifest))
	if err := json.Unmarshal(manifest, &i.manifest); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(i.path(i.manifest.Config))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &i.config); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i image) path(b blob) string {
	return filepath.Join(i.folder, strings.TrimPrefix(b.Digest, "sha256:"))
}

// size returns the bytes that are sent for the image.
func (i image) size() (n int64) {
	for _, l := range i.manifest.Layers {
		n += l.Size
	}
	return n
}

// entries visits the files of all layers, in their order.
func (i image) entries(t *testing.T, visit func(*tar.Header, io.Reader)) {
	t.Helper()
	for _, l := range i.manifest.Layers {
		f, err := os.Open(i.path(l))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			visit(h, r)
		}
	}
}

// unpack writes the image's files into a folder, and returns it.
func (i image) unpack(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	i.entries(t, func(h *tar.Header, content io.Reader) {
		path := filepath.Join(root, filepath.Clean("/"+h.Name))
		var err error
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, h.FileInfo().Mode().Perm())
		case tar.TypeReg:
			var b []byte
			if b, err = io.ReadAll(content); err == nil {
				err = os.WriteFile(path, b, h.FileInfo().Mode().Perm())
			}
		default:
			t.Errorf("%s is neither a file nor a folder", h.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return root
}
