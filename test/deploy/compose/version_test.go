package compose_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docker/go-units"
	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// chartImage is an image in the chart's values.
type chartImage struct {
	Image struct{ Repository, Tag string }
}

// TestVersionsOfImages wants one version of each image, in all Compose files and in the chart.
func TestVersionsOfImages(t *testing.T) {
	b, err := os.ReadFile(deploytest.Path(t, "charts/token-rate-limiter/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Redis, Prometheus, Grafana chartImage
		ModelDefaults              chartImage `yaml:"modelDefaults"`
	}
	if err := yaml.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, i := range []chartImage{values.Redis, values.Prometheus, values.Grafana, values.ModelDefaults} {
		if i.Image.Repository == "" || i.Image.Tag == "" {
			t.Fatalf("the chart has the image %+v", i)
		}
		versions[i.Image.Repository] = i.Image.Tag
	}
	met := map[string]bool{}
	for name, s := range stacks {
		for service, of := range s.project(t).Services {
			repository, version, _ := strings.Cut(of.Image, ":")
			if want, known := versions[repository]; known && version != want {
				t.Errorf("%s: %s has %s, and elsewhere it is %s", name, service, of.Image, want)
			}
			versions[repository], met[repository] = version, true
		}
	}
	for repository := range versions {
		if !met[repository] {
			t.Errorf("no Compose file has %s, which the chart has", repository)
		}
	}
}

// TestTwinsOfModelServers: vLLM is run alike in Compose and in Swarm, but for how its GPU is asked for.
func TestTwinsOfModelServers(t *testing.T) {
	const name = "vllm-llama2-7b-service"
	compose, swarm := stacks["GPU"].project(t).Services[name], stacks["GPU in Swarm"].project(t).Services[name]
	if compose.Deploy.Resources.Reservations == nil || swarm.Deploy.Resources.Reservations == nil {
		t.Error("a model server asks for no GPU")
	}
	compose.Deploy.Resources.Reservations, swarm.Deploy.Resources.Reservations = nil, nil
	if !reflect.DeepEqual(compose, swarm) {
		t.Errorf("docker-compose.gpu.yml has\n%+v\nand docker-compose.gpu-swarm.yml\n%+v", compose, swarm)
	}
}

// TestModelServersAreRunAlike: where Compose and the chart both say something of vLLM, they say the same.
func TestModelServersAreRunAlike(t *testing.T) {
	b, err := os.ReadFile(deploytest.Path(t, "charts/token-rate-limiter/values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		ModelDefaults struct {
			SharedMemory string `yaml:"sharedMemory"`
			GracePeriod  int    `yaml:"terminationGracePeriodSeconds"`
		} `yaml:"modelDefaults"`
	}
	if err := yaml.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	p := stacks["GPU"].project(t)
	server := p.Services["vllm-llama2-7b-service"]
	if chart := time.Duration(values.ModelDefaults.GracePeriod) * time.Second; chart != time.Duration(*server.StopGracePeriod) {
		t.Errorf("vLLM has %v to end in the chart, and %v in Compose", chart, *server.StopGracePeriod)
	}
	if gateway := p.Services["gateway"].StopGracePeriod; *gateway != *server.StopGracePeriod {
		t.Errorf("vLLM has %v to end, and the gateways that wait for it %v", *server.StopGracePeriod, *gateway)
	}
	shared := int64(0)
	for _, v := range server.Volumes {
		if v.Target == "/dev/shm" {
			shared = int64(v.Tmpfs.Size)
		}
	}
	if chart, err := units.RAMInBytes(values.ModelDefaults.SharedMemory + "B"); err != nil || chart != shared {
		t.Errorf("vLLM has %s to share in the chart, and %d bytes in Compose (%v)", values.ModelDefaults.SharedMemory, shared, err)
	}
}
