package monitoring_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestInhibitionsCanAct: alerts that hide others, and those that are hidden, have the labels that
// have to be equal, by the labels that they are seen to fire with. Where both lack one, Alertmanager
// takes it for equal, and one gateway's trouble would hide another's.
func TestInhibitionsCanAct(t *testing.T) {
	var config struct {
		Rules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string
		} `yaml:"inhibit_rules"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "monitoring/alertmanager/alertmanager.yml")), &config); err != nil {
		t.Fatal(err)
	}
	labels := firingLabels(t)
	if len(config.Rules) == 0 {
		t.Error("there are no inhibitions")
	}
	for _, r := range config.Rules {
		for _, name := range append(matched(t, r.Source, labels), matched(t, r.Target, labels)...) {
			for _, seen := range labels[name] {
				for _, label := range r.Equal {
					if seen[label] == "" && label != "namespace" { // which Compose has not
						t.Errorf("%s fires with %v, and inhibitions want its %s to be equal", name, seen, label)
					}
				}
			}
		}
	}
}

// firingLabels returns the labels with which the rules' tests see each alert fire.
func firingLabels(t *testing.T) map[string][]map[string]string {
	t.Helper()
	labels := map[string][]map[string]string{}
	for _, name := range files(t, "test/deploy/monitoring/testdata/*.yml") {
		var f struct{ Tests []alertTest }
		if err := yaml.Unmarshal([]byte(read(t, name)), &f); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Tests {
			for _, a := range c.Tests {
				for _, e := range a.Expected {
					labels[a.Alertname] = append(labels[a.Alertname], e.Labels)
				}
			}
		}
	}
	return labels
}

// matched returns the alerts that matchers of alertname mean, at least one.
func matched(t *testing.T, matchers []string, labels map[string][]map[string]string) (names []string) {
	t.Helper()
	for _, m := range matchers {
		m = strings.NewReplacer(" ", "", `"`, "").Replace(m)
		pattern, isPattern := strings.CutPrefix(m, "alertname=~")
		if !isPattern {
			pattern = regexp.QuoteMeta(strings.TrimPrefix(m, "alertname="))
		}
		is := regexp.MustCompile("^(?:" + pattern + ")$")
		for name := range labels {
			if is.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	if slices.Sort(names); len(names) == 0 {
		t.Errorf("%v mean no alert", matchers)
	}
	return names
}
