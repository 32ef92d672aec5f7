package image_test

import (
	"archive/tar"
	"debug/elf"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// bytesMax is what an image may weigh, unpacked: 45 MB, of which the drivers of both control
// databases are 9.
const bytesMax = 45_000_000

// binary is where the program is in an image.
const binary = "usr/local/bin/token-rate-limiter"

// emulators run a program that is for another architecture than this machine's.
var emulators = map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// TestImage builds the image of each architecture from two clones, made by people with different
// umasks, and runs the one of this machine's, the other one in an emulator.
func TestImage(t *testing.T) {
	e := newEngine(t)
	one, two := clone(t, 0o022), clone(t, 0o077)
	for _, arch := range slices.Sorted(maps.Keys(machines)) {
		t.Run(arch, func(t *testing.T) {
			i, again := e.build(t, one, arch), e.build(t, two, arch)
			if i.digest != again.digest {
				t.Errorf("two builds of one commit are %s and %s: %+v and %+v", i.digest, again.digest, i.manifest, again.manifest)
			}
			var unpacked int64
			for _, size := range checkFiles(t, i) {
				unpacked += size
			}
			if unpacked > bytesMax {
				t.Errorf("the image has %d bytes, more than %d", unpacked, bytesMax)
			}
			t.Logf("%s: %s, %.1f MB to send, %.1f MB unpacked", arch, i.digest, float64(i.size())/1e6, float64(unpacked)/1e6)
			checkConfig(t, i, arch)
			checkHealthcheck(t, i)
			root := i.unpack(t)
			checkMachine(t, filepath.Join(root, binary), arch)
			if arch == runtime.GOARCH {
				checkRuns(t, i, root)
			} else {
				checkEmulated(t, i, root, arch)
			}
		})
	}
}

// checkFiles wants nothing in an image but the program and its configuration, which only root
// could change, and returns the sizes of what there is.
func checkFiles(t *testing.T, i image) map[string]int64 {
	t.Helper()
	want := map[string]int64{binary: 0o755}
	for _, name := range glob(t, "configs/application*.yml") {
		want["app/configs/"+filepath.Base(name)] = 0o644
	}
	sizes := map[string]int64{}
	i.entries(t, func(h *tar.Header, _ io.Reader) {
		name := strings.Trim(strings.TrimPrefix(h.Name, "./"), "/")
		if h.Uid != 0 || h.Gid != 0 || h.Mode&0o022 != 0 || h.Mode&0o7000 != 0 {
			t.Errorf("%s has the mode %o and belongs to %d:%d", h.Name, h.Mode, h.Uid, h.Gid)
		}
		if h.Typeflag == tar.TypeDir {
			return
		}
		if mode, expected := want[name]; !expected || h.Mode&0o7777 != mode {
			t.Errorf("%s, of the mode %o, does not belong into the image", h.Name, h.Mode)
		}
		sizes[name] = h.Size
	})
	if len(sizes) != len(want) {
		t.Errorf("the image has %v, want %v", sizes, want)
	}
	return sizes
}

// glob returns the files of the repository that match, of which there must be some.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(deploytest.Root, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("there is no %s (%v)", pattern, err)
	}
	return names
}

func checkConfig(t *testing.T, i image, arch string) {
	t.Helper()
	c := i.config.Config
	if i.config.Architecture != arch {
		t.Errorf("the image is for %s", i.config.Architecture)
	}
	if c.User != "65532:65532" || c.WorkingDir != "/app" || !slices.Equal(c.Entrypoint, []string{"/" + binary}) || !slices.Equal(c.Cmd, []string{"serve"}) {
		t.Errorf("the image is run as %+v", c)
	}
	if !slices.Contains(c.Env, "PROFILE=docker") {
		t.Errorf("the environment is %v", c.Env)
	}
	if _, exposed := c.ExposedPorts["8080/tcp"]; !exposed || len(c.ExposedPorts) != 1 {
		t.Errorf("the ports are %v", c.ExposedPorts)
	}
	for _, label := range []string{"title", "description", "source", "licenses", "version", "revision", "created"} {
		if c.Labels["org.opencontainers.image."+label] == "" {
			t.Errorf("there is no label org.opencontainers.image.%s: %v", label, c.Labels)
		}
	}
}

func checkHealthcheck(t *testing.T, i image) {
	t.Helper()
	if test := i.config.Config.Healthcheck.Test; !slices.Equal(test, []string{"CMD", "/" + binary, "healthcheck"}) {
		t.Errorf("the health check is %v", test)
	}
}

// checkMachine wants a program for the architecture that needs neither a library nor a loader.
func checkMachine(t *testing.T, path, arch string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != machines[arch] {
		t.Errorf("the program of %s is for %v", arch, f.Machine)
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program needs %v (%v)", libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs a loader")
		}
	}
}
