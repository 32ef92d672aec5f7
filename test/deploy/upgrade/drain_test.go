package upgrade_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// drain is how gateways of a deployment come to their end.
type drain struct {
	delay, timeout string        // what the gateway is given
	grace          time.Duration // after which it is killed
	checks         string        // how the load balancer is to ask whether one is ready; empty: as its own file says
}

// ofCompose returns what docker/docker-compose.yml says.
func ofCompose(p *types.Project) drain {
	s := p.Services["gateway"]
	return drain{delay: *s.Environment["DRAIN_DELAY"], timeout: *s.Environment["DRAIN_TIMEOUT"], grace: time.Duration(*s.StopGracePeriod)}
}

// ofManifests returns what k8s/ says. A gateway is found to be leaving no sooner than its readiness probe
// would find it; that Kubernetes takes it out of its Services at once counts for nothing here.
func ofManifests(t *testing.T) drain {
	t.Helper()
	var configMap struct{ Data map[string]string }
	read(t, "k8s/token-rate-limiter/configmap.yaml", &configMap)
	var application struct {
		Server struct {
			Delay   string `yaml:"drain-delay"`
			Timeout string `yaml:"drain-timeout"`
		}
	}
	if err := yaml.Unmarshal([]byte(configMap.Data["application.yml"]), &application); err != nil {
		t.Fatal(err)
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
					Containers                    []struct {
						ReadinessProbe struct {
							PeriodSeconds    int `yaml:"periodSeconds"`
							FailureThreshold int `yaml:"failureThreshold"`
						} `yaml:"readinessProbe"`
					}
				}
			}
		}
	}
	read(t, "k8s/token-rate-limiter/deployment.yaml", &deployment)
	pod := deployment.Spec.Template.Spec
	probe := pod.Containers[0].ReadinessProbe
	return drain{
		delay: application.Server.Delay, timeout: application.Server.Timeout,
		grace:  time.Duration(pod.TerminationGracePeriodSeconds) * time.Second,
		checks: fmt.Sprintf("inter %ds fall %d", probe.PeriodSeconds, probe.FailureThreshold),
	}
}

// read reads the last document of a manifest.
func read(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(deploytest.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(b), "\n---\n")
	if err := yaml.Unmarshal([]byte(documents[len(documents)-1]), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// ownChecks is how the load balancer's own file says it.
const ownChecks = "inter 1s fastinter 500ms downinter 1s fall 2"

// checked returns the load balancer's configuration with the checks of this deployment.
func (d drain) checked(t *testing.T, configuration string) string {
	t.Helper()
	if strings.Count(configuration, ownChecks) != 1 {
		t.Fatalf("the load balancer does not have its checks as %q", ownChecks)
	}
	if d.checks == "" {
		return configuration
	}
	return strings.Replace(configuration, ownChecks, d.checks, 1)
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
