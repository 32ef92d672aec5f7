package chart

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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
	for d := yaml.NewDecoder(strings.NewReader(rendered)); ; {
		var o networkObject
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
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
