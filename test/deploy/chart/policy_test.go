package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPolicies goes the ways between the pods of a release as a network does that enforces its policies: those that
// somebody needs are open, and the others are not.
func TestPolicies(t *testing.T) {
	const values = "charts/token-rate-limiter/ci/"
	for name, rendered := range map[string]string{
		"the chart": render(t, "-f", values+"monitoring-values.yaml", "-f", values+"gpu-models-values.yaml"),
		"k8s/":      renderPlain(t, "--set", "helmTest.enabled=true"),
	} {
		n := newNetwork(t, rendered)
		for way, open := range map[string]bool{
			"gateway redis redis":               true,
			"gateway model-server http":         true,
			"prometheus gateway management":     true,
			"prometheus model-server http":      true,
			"grafana prometheus http":           true,
			"test gateway management":           true,
			"prometheus gateway http":           false,
			"grafana gateway management":        false,
			"grafana redis redis":               false,
			"prometheus redis redis":            false,
			"model-server redis redis":          false,
			"test redis redis":                  false,
			"model-server gateway management":   false,
			"grafana model-server http":         false,
			"test model-server http":            false,
			"redis model-server http":           false,
			"gateway grafana http":              false,
			"gateway prometheus http":           false,
			"model-server prometheus http":      false,
			"redis gateway management":          false,
			"gateway model-server no-such-port": false,
		} {
			words := strings.Fields(way)
			if n.leads(t, words[0], words[1], words[2]) != open {
				t.Errorf("%s: from, to and port %s: open is %t", name, way, !open)
			}
		}
	}
}

// TestWaysOut: gateways reach a Redis and a collector elsewhere, and Prometheus its Alertmanagers, at their addresses and
// ports only, which are those that the values name already, or that networkPolicy says.
func TestWaysOut(t *testing.T) {
	const (
		redis         = "redis.enabled=false,externalRedis.port=6380,externalRedis.host="
		alertmanagers = "prometheus.enabled=true,prometheus.alertmanagers[0]="
	)
	for set, want := range map[string][]string{
		redis + "10.1.2.3": {"6380 to 10.1.2.3/32"},
		redis + "fd00::5":  {"6380 to fd00::5/128"},
		redis + "r.example.com,networkPolicy.externalRedisTo[0].ipBlock.cidr=10.0.0.0/8": {"6380 to 10.0.0.0/8"},
		"tracing.endpoint=http://10.1.2.3:4319":                                          {"4319 to 10.1.2.3/32"},
		"tracing.endpoint=http://[fd00::5]:4319":                                         {"4319 to fd00::5/128"},
		"tracing.endpoint=https://10.1.2.3/otlp":                                         {"443 to 10.1.2.3/32"},
		"tracing.endpoint=http://10.1.2.3":                                               {"80 to 10.1.2.3/32"},
		"tracing.endpoint=http://c.example.com:4319,networkPolicy.collectorTo[0].ipBlock.cidr=10.0.0.0/8,networkPolicy.collectorPort=14318": {"14318 to 10.0.0.0/8"},
		alertmanagers + "10.1.2.3:9094,prometheus.alertmanagers[1]=10.1.2.4":                                                                {"9094 to 10.1.2.3/32", "9093 to 10.1.2.4/32"},
		alertmanagers + "[fd00::5]:9094": {"9094 to fd00::5/128"},
		alertmanagers + "a:9094,networkPolicy.alertmanagersTo[0].ipBlock.cidr=10.0.0.0/8":                                                             {"9094 to 10.0.0.0/8"},
		"controlDatabase.enabled=true,controlDatabase.port=6432,secret.existingSecret=own,networkPolicy.controlDatabaseTo[0].ipBlock.cidr=10.0.0.0/8": {"6432 to 10.0.0.0/8"},
		"prometheus.enabled=true": nil,
	} {
		if got := waysOut(t, render(t, "--set", set)); !slices.Equal(got, want) {
			t.Errorf("%s: %q is reached, not %q", set, got, want)
		}
	}
	// Without policies nobody need say where anything is.
	render(t, "--set", "networkPolicy.enabled=false,tracing.endpoint=http://c.example.com:4318,"+redis+"r.example.com")
}

// waysOut returns what pods of the release may reach by a port's number, but for names and what models are fetched
// from: a peer without an address is "?", and no peer "anywhere".
func waysOut(t *testing.T, rendered string) (ways []string) {
	t.Helper()
	for _, m := range documents[struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			Egress []struct {
				Ports []struct{ Port any }
				To    []struct {
					IPBlock struct{ CIDR string } `yaml:"ipBlock"`
				}
			}
		}
	}](t, rendered) {
		if m.Kind != "NetworkPolicy" || strings.HasSuffix(m.Metadata.Name, "-model-servers") {
			continue
		}
		for _, e := range m.Spec.Egress {
			number, is := e.Ports[0].Port.(int)
			if !is || number == 53 {
				continue
			}
			if len(e.To) == 0 {
				ways = append(ways, fmt.Sprint(number, " to anywhere"))
			}
			for _, to := range e.To {
				ways = append(ways, fmt.Sprint(number, " to ", cmp.Or(to.IPBlock.CIDR, "?")))
			}
		}
	}
	return ways
}

// network is what its policies make of the pods.
type network struct {
	pods     map[string]map[string]string // labels by component
	policies []networkPolicy
}

// networkObject is a pod, what makes pods, or a policy.
type networkObject struct {
	Kind     string
	Metadata struct{ Labels map[string]string }
	Spec     struct {
		Template struct {
			Metadata struct{ Labels map[string]string }
		}
		networkPolicy `yaml:",inline"`
	}
}

type networkPolicy struct {
	PodSelector labelSelector `yaml:"podSelector"`
	PolicyTypes []string      `yaml:"policyTypes"`
	Ingress     []struct {
		From  []peer
		Ports []port
	}
	Egress []struct {
		To    []peer
		Ports []port
	}
}

type port struct{ Port string }

type peer struct {
	PodSelector       *labelSelector `yaml:"podSelector"`
	NamespaceSelector *labelSelector `yaml:"namespaceSelector"`
}

type labelSelector struct {
	MatchLabels      map[string]string `yaml:"matchLabels"`
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	} `yaml:"matchExpressions"`
}

func newNetwork(t *testing.T, rendered string) *network {
	t.Helper()
	n := &network{pods: map[string]map[string]string{}}
	for _, o := range documents[networkObject](t, rendered) {
		labels := o.Metadata.Labels
		switch o.Kind {
		case "NetworkPolicy":
			n.policies = append(n.policies, o.Spec.networkPolicy)
		case "Deployment", "StatefulSet":
			labels = o.Spec.Template.Metadata.Labels
			fallthrough
		case "Pod":
			n.pods[labels["app.kubernetes.io/component"]] = labels
		}
	}
	return n
}

// leads reports whether a pod of one component reaches a port of another's.
func (n *network) leads(t *testing.T, from, to, name string) bool {
	t.Helper()
	source, target := n.pods[from], n.pods[to]
	if source == nil || target == nil {
		t.Fatalf("there is no pod of %s, or none of %s", from, to)
	}
	out, in := false, false
	for _, p := range n.policies {
		if !slices.Equal(p.PolicyTypes, []string{"Ingress", "Egress"}) {
			t.Fatalf("this test knows policies for both directions only, and there is one for %v", p.PolicyTypes)
		}
		for _, r := range p.Egress {
			out = out || p.PodSelector.takes(source) && isAmong(r.To, target) && isPort(r.Ports, name)
		}
		for _, r := range p.Ingress {
			in = in || p.PodSelector.takes(target) && isAmong(r.From, source) && isPort(r.Ports, name)
		}
	}
	return out && in
}

// isAmong reports whether a pod of the policy's own namespace is among the peers; none are all.
func isAmong(peers []peer, labels map[string]string) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p peer) bool {
		return p.PodSelector != nil && p.NamespaceSelector == nil && p.PodSelector.takes(labels)
	})
}

func isPort(ports []port, name string) bool {
	return len(ports) == 0 || slices.Contains(ports, port{name})
}

func (s labelSelector) takes(labels map[string]string) bool {
	for key, value := range s.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		if e.Operator != "In" || !slices.Contains(e.Values, labels[e.Key]) {
			return false
		}
	}
	return true
}
