package monitoring_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// promtool runs Prometheus' tool on files of the repository.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := deploytest.Command(nil, append([]string{deploytest.Need(t, "promtool")}, args...)...)
	cmd.Dir = deploytest.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// TestRulesAreRight has Prometheus' own tool judge the rules, and the configuration that loads them.
func TestRulesAreRight(t *testing.T) {
	promtool(t, append([]string{"check", "rules"}, files(t, "monitoring/prometheus/*-rules.yml")...)...)
	promtool(t, "check", "config", "monitoring/prometheus/prometheus.yml")
}

// alertTest is a case of a file for promtool test rules.
type alertTest struct {
	Name  string
	Tests []struct {
		Alertname string
		Expected  []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

// TestAlerts: every alert fires where it should, with the words that are written down, and stays
// silent where it should.
func TestAlerts(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range files(t, "test/deploy/monitoring/testdata/*.yml") {
		var f struct{ Tests []alertTest }
		if err := yaml.Unmarshal([]byte(read(t, name)), &f); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Tests {
			for _, a := range c.Tests {
				if len(a.Expected) == 0 {
					silent[a.Alertname] = true
				}
				for _, e := range a.Expected {
					fires[a.Alertname] = true
					if e.Labels["severity"] == "" || e.Annotations["summary"] == "" || e.Annotations["description"] == "" || e.Annotations["runbook_url"] == "" {
						t.Errorf("%s: %s expects less than everything: %+v", name, c.Name, e)
					}
				}
			}
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", name)
		})
	}
	var all []string
	for _, r := range rules(t) {
		if r.Alert != "" {
			all = append(all, r.Alert)
		}
	}
	slices.Sort(all)
	for what, tested := range map[string]map[string]bool{"firing": fires, "silent": silent} {
		if got := slices.Sorted(maps.Keys(tested)); !slices.Equal(got, all) {
			t.Errorf("seen %s are %v,\nand there are %v", what, got, all)
		}
	}
}

// TestAlertsAreExplained: each alert has all that a reader wants, a value among it, and a section
// in the runbook of each language.
func TestAlertsAreExplained(t *testing.T) {
	const book = "https://github.com/token-rate-limiter/token-rate-limiter/blob/main/docs/runbooks.md#"
	anchors := map[string][]string{"docs/runbooks.md": nil, "docs/runbooks.ko.md": nil}
	for name := range anchors {
		anchors[name] = anchorsOf(read(t, name))
	}
	var wanted []string
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || !strings.Contains(r.Annotations["description"], "$value") {
			t.Errorf("%s has no summary, or a description without a value: %v", r.Alert, r.Annotations)
		}
		anchor, is := strings.CutPrefix(r.Annotations["runbook_url"], book)
		if !is || anchor != strings.ToLower(r.Alert) {
			t.Errorf("%s has the runbook %q", r.Alert, r.Annotations["runbook_url"])
		}
		wanted = append(wanted, anchor)
		for name, there := range anchors {
			if !slices.Contains(there, anchor) {
				t.Errorf("%s has no section for %s", name, r.Alert)
			}
		}
	}
	if len(wanted) < 30 {
		t.Errorf("there are %d alerts only", len(wanted))
	}
}

// anchorsOf returns what the headings of a document are called in links.
func anchorsOf(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return all
}

// TestNamesAreThoseOfTheGateway: rules name metrics and labels that the gateway promises, or Prometheus itself. What is there is for TestEveryExpressionIsAnswered.
func TestNamesAreThoseOfTheGateway(t *testing.T) {
	there := map[string]map[string]bool{}
	know := func(name string, labels ...string) {
		there[name] = map[string]bool{"__name__": true, "job": true, "instance": true}
		for _, l := range labels {
			there[name][l] = true
		}
	}
	for line := range strings.Lines(read(t, "test/operations/testdata/metrics.txt")) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		know(f[0], f[2:]...)
		if f[1] == "histogram" {
			know(f[0]+"_sum", f[2:]...)
			know(f[0]+"_count", f[2:]...)
			know(f[0]+"_bucket", append(f[2:], "le")...)
		}
	}
	for _, name := range strings.Fields(`up process_start_time_seconds process_open_fds process_max_fds process_resident_memory_bytes
		process_cpu_seconds_total go_gc_gomemlimit_bytes go_goroutines go_memstats_heap_inuse_bytes go_sched_gomaxprocs_threads`) {
		know(name)
	}
	know("ALERTS", "alertname", "alertstate", "severity", "model", "endpoint")
	all := rules(t)
	for _, r := range all {
		if r.Record != "" {
			know(r.Record, strings.Split(strings.Split(r.Record, ":")[0], "_")...)
		}
	}
	for _, r := range all {
		q := question{r.file + ": " + r.Record + r.Alert, r.Expr}
		mustExist(t, q.where, namesIn(parse(t, q)), there)
	}
}
