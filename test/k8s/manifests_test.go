package k8s

import (
	"fmt"
	"path/filepath"
	"testing"
)

// namespace is where k8s/ puts everything.
const namespace = "model-serving"

// TestManifests applies k8s/ in each of the ways that the documents name, to a cluster
// that has nothing yet, not even the definitions of anybody's resources.
func TestManifests(t *testing.T) {
	for name, ways := range map[string][][]string{
		"recursively":                   {{"apply", "--validate=strict", "-R", "-f", "k8s/"}},
		"into a namespace that existed": {{"create", "namespace", namespace}, {"apply", "--validate=strict", "-R", "-f", "k8s/"}},
		"by kustomize":                  {{"apply", "--validate=strict", "-k", "k8s/"}},
		"folder by folder": {
			{"create", "namespace", namespace},
			{"apply", "--validate=strict", "-f", "k8s/"},
			{"apply", "--validate=strict", "-f", "k8s/redis/"},
			{"apply", "--validate=strict", "-f", "k8s/vllm/"},
			{"apply", "--validate=strict", "-R", "-f", "k8s/monitoring/"},
			{"apply", "--validate=strict", "-f", "k8s/token-rate-limiter/"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			for _, args := range ways {
				c.kubectl(args...)
			}
			c.checkInstalled(namespace)
			c.checkSpread(namespace)
			c.checkSettled(ways[len(ways)-1])
		})
	}
}

// checkSpread fails the test where the gateways, of which there are three, do not run in
// three zones.
func (c *cluster) checkSpread(namespace string) {
	c.t.Helper()
	// The autoscaler makes three of one.
	eventually(c.t, func() string {
		zones := c.zones(namespace, "app.kubernetes.io/name=token-rate-limiter")
		if delete(zones, ""); len(zones) != 3 {
			return fmt.Sprintf("the gateways are in the zones %v", zones)
		}
		return ""
	})
}

// checkSettled fails the test where applying what has been applied changes anything.
// kubectl may say "configured" all the same, of lists whose defaults the server adds.
func (c *cluster) checkSettled(args []string) {
	c.t.Helper()
	generations := func() string {
		return c.kubectl("get", "deployments,statefulsets,networkpolicies,ingresses,poddisruptionbudgets", "-n", namespace,
			"-o", `jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.generation}{"\n"}{end}`)
	}
	before := generations()
	c.kubectl(args...)
	if after := generations(); after != before {
		c.t.Errorf("applied again, it has changed: before\n%safter\n%s", before, after)
	}
}

// installDefinitions gives the cluster the resources of the Gateway API and of the
// Prometheus operator.
func (c *cluster) installDefinitions() {
	c.t.Helper()
	gateway := filepath.Join(moduleFolder(c.t, "crds", "sigs.k8s.io/gateway-api"), "config/crd/standard")
	prometheus := filepath.Join(moduleFolder(c.t, "crds", "github.com/prometheus-operator/prometheus-operator"), "example/prometheus-operator-crd")
	c.kubectl("apply", "--server-side", "-f", gateway)
	c.kubectl("apply", "--server-side", "-f", prometheus+"/monitoring.coreos.com_servicemonitors.yaml",
		"-f", prometheus+"/monitoring.coreos.com_prometheusrules.yaml")
	c.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout="+patience.String())
}
