package compose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/cli/cli/compose/loader"
	"github.com/docker/cli/cli/compose/schema"
	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

const (
	base       = "docker/docker-compose.yml"
	mock       = "docker/docker-compose.mock.yml"
	gpu        = "docker/docker-compose.gpu.yml"
	gpuSwarm   = "docker/docker-compose.gpu-swarm.yml"
	withTLS    = "docker/docker-compose.tls.yml"
	withKeys   = "docker/docker-compose.database.yml"
	monitoring = "docker/docker-compose.monitoring.yml"
	dev        = "docker/docker-compose.dev.yml"
)

// stack is files that are laid over each other, and who takes them.
type stack struct {
	files    []string
	profiles []string
	swarm    bool // Swarm does
	compose  bool // Compose does
}

var stacks = map[string]stack{
	"alone":                 {files: []string{base}, swarm: true, compose: true},
	"mock":                  {files: []string{base, mock}, swarm: true, compose: true},
	"TLS":                   {files: []string{base, withTLS}, swarm: true, compose: true},
	"TLS, mock, monitoring": {files: []string{base, withTLS, mock, monitoring}, swarm: true, compose: true},
	"keys":                  {files: []string{base, withKeys}, swarm: true, compose: true},
	"keys, TLS, mock":       {files: []string{base, withKeys, withTLS, mock}, swarm: true, compose: true},
	"monitoring":            {files: []string{base, monitoring}, swarm: true, compose: true},
	"mock, monitoring":      {files: []string{base, mock, monitoring}, swarm: true, compose: true},
	"GPU":                   {files: []string{base, gpu}, compose: true},
	"GPU, monitoring":       {files: []string{base, gpu, monitoring}, compose: true},
	"GPU in Swarm":          {files: []string{base, gpuSwarm}, swarm: true},
	"all in Swarm":          {files: []string{base, gpuSwarm, monitoring}, swarm: true},
	"development":           {files: []string{dev}, compose: true},
	"development, watched":  {files: []string{dev}, compose: true, profiles: []string{"monitoring"}},
}

// isDev reports whether a stack is for development, on one machine.
func (s stack) isDev() bool { return s.files[0] == dev }

// paths returns the absolute paths of the stack's files.
func (s stack) paths(t *testing.T) (paths []string) {
	t.Helper()
	for _, f := range s.files {
		paths = append(paths, deploytest.Path(t, f))
	}
	return paths
}

// project reads a stack as Compose does, where no variable is set.
func (s stack) project(t *testing.T) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions(s.paths(t), cli.WithProfiles(s.profiles), cli.WithName("test"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatalf("%v: %v", s.files, err)
	}
	return p
}

// eachStack runs check on every stack that Compose takes, and on those of Swarm as well, for
// Compose reads them too.
func eachStack(t *testing.T, check func(t *testing.T, s stack, p *types.Project)) {
	for name, s := range stacks {
		t.Run(name, func(t *testing.T) { check(t, s, s.project(t)) })
	}
}

// swarmReads reads files as `docker stack config` and `docker stack deploy` do: with the reader of
// Docker's client, which needs neither an engine nor the client itself.
func swarmReads(t *testing.T, files ...string) error {
	t.Helper()
	details := composetypes.ConfigDetails{WorkingDir: deploytest.Path(t, "docker")}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		content, err := loader.ParseYAML(b)
		if err != nil {
			return err
		}
		details.ConfigFiles = append(details.ConfigFiles, composetypes.ConfigFile{Filename: f, Config: content})
	}
	details.Version = schema.Version(details.ConfigFiles[0].Config)
	_, err := loader.Load(details)
	return err
}

func TestSwarmTakesStacks(t *testing.T) {
	for name, s := range stacks {
		if err := swarmReads(t, s.paths(t)...); s.swarm && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSwarmRefuses shows that the reader that stacks are held to refuses what Swarm refuses, and
// that the files for Compose alone are that for a reason.
func TestSwarmRefuses(t *testing.T) {
	text, err := os.ReadFile(deploytest.Path(t, base))
	if err != nil {
		t.Fatal(err)
	}
	for _, planted := range []string{"    profiles: [x]\n", "    depends_on: {redis: {condition: service_healthy}}\n", "    replicsa: 2\n"} {
		changed := strings.Replace(string(text), "  gateway:\n", "  gateway:\n"+planted, 1)
		if strings.Contains(planted, "depends_on") {
			changed = strings.Replace(changed, "    depends_on: [redis]\n", "", 1)
		}
		file := filepath.Join(t.TempDir(), "changed.yml")
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if swarmReads(t, file) == nil {
			t.Errorf("Swarm takes %q", planted)
		}
	}
	for _, only := range []string{gpu, dev} {
		if swarmReads(t, deploytest.Path(t, only)) == nil {
			t.Errorf("Swarm takes %s: there need be no other file for it", only)
		}
	}
}

// TestMountedFilesExist: what is mounted and what images are built from is there, and what is
// secret is not, but said to be made.
func TestMountedFilesExist(t *testing.T) {
	howto, err := os.ReadFile(deploytest.Path(t, "docker/secrets/README"))
	if err != nil {
		t.Fatal(err)
	}
	eachStack(t, func(t *testing.T, _ stack, p *types.Project) {
		exists := func(what, path string) {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		for name, c := range p.Configs {
			exists("config "+name, c.File)
		}
		for name, s := range p.Secrets {
			file, err := filepath.Rel(deploytest.Path(t, "docker/secrets"), s.File)
			if err != nil || !slices.Contains([]string{".txt", ".pem"}, filepath.Ext(file)) || strings.ContainsRune(file, '/') || !strings.Contains(string(howto), file) {
				t.Errorf("secret %s is in %s, which docker/secrets/README does not tell of", name, s.File)
			}
		}
		for name, s := range p.Services {
			if b := s.Build; b != nil {
				exists(name, filepath.Join(b.Context, b.Dockerfile))
			}
			for _, v := range s.Volumes {
				if v.Type == types.VolumeTypeBind {
					exists(name, v.Source)
				}
			}
		}
	})
}

var variable = regexp.MustCompile(`\$+\{[^}]*\}`)

// TestVariablesHaveDefaults: a file says what it needs, and works where nothing is set.
func TestVariablesHaveDefaults(t *testing.T) {
	files, err := filepath.Glob(deploytest.Path(t, "docker/docker-compose*.yml"))
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range variable.FindAllString(string(text), -1) {
			if !strings.HasPrefix(v, "$$") && !strings.Contains(v, ":-") && !strings.Contains(v, ":?") {
				t.Errorf("%s: %s has neither a default nor an error", filepath.Base(file), v)
			}
		}
	}
}

// TestOnlyTheLoadBalancerIsPublished, and for development, this machine's loopback only.
func TestOnlyTheLoadBalancerIsPublished(t *testing.T) {
	eachStack(t, func(t *testing.T, s stack, p *types.Project) {
		published := 0
		for name, service := range p.Services {
			for _, port := range service.Ports {
				published++
				if s.isDev() && port.HostIP != "127.0.0.1" {
					t.Errorf("%s publishes %s on every interface", name, port.Published)
				}
				if !s.isDev() && name != "load-balancer" {
					t.Errorf("%s publishes %s", name, port.Published)
				}
			}
		}
		if published == 0 {
			t.Error("nothing is published")
		}
	})
}

// writable are the services that may write into their root, by why.
var writable = map[string]string{
	"vllm-llama2-7b-service": "vLLM compiles kernels into folders of its image, which differ by version",
}

// TestServicesAreConfined: outside of development no service has more than it needs, each can be
// found ill, and none takes more memory than it may.
func TestServicesAreConfined(t *testing.T) {
	eachStack(t, func(t *testing.T, s stack, p *types.Project) {
		if s.isDev() {
			return
		}
		for name, service := range p.Services {
			if writable[name] == "" && !service.ReadOnly {
				t.Errorf("%s may write into its root", name)
			}
			if fmt.Sprint(service.CapDrop) != "[ALL]" || fmt.Sprint(service.SecurityOpt) != "[no-new-privileges:true]" || service.Privileged {
				t.Errorf("%s is not confined: %v %v", name, service.CapDrop, service.SecurityOpt)
			}
			if service.HealthCheck == nil {
				t.Errorf("%s has no health check", name)
			}
			if service.Deploy == nil || service.Deploy.RestartPolicy == nil || service.Deploy.UpdateConfig == nil && name != "mock-vllm" {
				t.Errorf("%s does not say how it is deployed", name)
			} else if limits := service.Deploy.Resources.Limits; writable[name] == "" && (limits == nil || limits.MemoryBytes == 0 || limits.NanoCPUs == 0) {
				t.Errorf("%s has no limits", name)
			}
			if image := service.Image; !strings.HasPrefix(image, "token-rate-limiter:") && !regexp.MustCompile(`:v?\d+\.`).MatchString(image) {
				t.Errorf("%s has the image %s, of no version", name, image)
			}
		}
	})
}

// TestPasswords: outside of development nothing has a password that is written down.
func TestPasswords(t *testing.T) {
	eachStack(t, func(t *testing.T, s stack, p *types.Project) {
		for name, service := range p.Services {
			for key, value := range service.Environment {
				secret := strings.Contains(key, "PASSWORD") || strings.Contains(key, "TOKEN") || strings.Contains(key, "SECRET")
				if secret && !s.isDev() && (value == nil || !strings.HasPrefix(*value, "/run/secrets/")) {
					t.Errorf("%s has %s, which comes from no secret", name, key)
				}
			}
		}
	})
	// The words of the old README are in the file for development and nowhere else.
	found := map[string]bool{}
	for _, folder := range []string{"docker", "monitoring", "configs"} {
		err := filepath.WalkDir(deploytest.Path(t, folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if strings.Contains(string(text), "admin123") {
				found[filepath.Base(path)] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) != 1 || !found[filepath.Base(dev)] {
		t.Errorf("admin123 is in %v", found)
	}
}

// TestTimeToDrain: an engine that ends a gateway waits until it has drained: for the delay, for
// running requests, and for those that are cut off.
func TestTimeToDrain(t *testing.T) {
	const cutOff = 5 * time.Second
	p := stacks["alone"].project(t)
	gateway := p.Services["gateway"]
	var drain time.Duration
	for _, name := range []string{"DRAIN_DELAY", "DRAIN_TIMEOUT"} {
		d, err := time.ParseDuration(*gateway.Environment[name])
		if err != nil || d == 0 {
			t.Fatalf("%s: %v (%v)", name, d, err)
		}
		drain += d
	}
	for _, name := range []string{"gateway", "load-balancer"} {
		if grace := p.Services[name].StopGracePeriod; grace == nil || time.Duration(*grace) < drain+cutOff {
			t.Errorf("%s is killed after %v, and a gateway may drain for %v", name, grace, drain+cutOff)
		}
	}
}
