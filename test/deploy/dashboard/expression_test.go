package dashboard

import (
	"bufio"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// metrics are the names of metrics and their labels.
type metrics map[string][]string

// always are the labels that Prometheus gives to every series.
var always = []string{"instance", "job"}

// known returns the metrics that dashboards may name: those that a real gateway is held to
// (TestMetrics of test/operations), those of the process and of Go that one serves right now, and the
// alerts that Prometheus keeps.
func known(t *testing.T) metrics {
	t.Helper()
	m := metrics{"ALERTS": {"alertname", "alertstate", "severity", "model"}}
	promised, err := os.ReadFile(deploytest.Path(t, "test/operations/testdata/metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(promised)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		name, kind, labels := f[0], f[1], f[2:]
		if kind != "histogram" {
			m[name] = labels
			continue
		}
		m[name+"_bucket"] = append(slices.Clone(labels), "le")
		m[name+"_sum"], m[name+"_count"] = labels, labels
	}
	if len(m) < 30 {
		t.Fatalf("%d metrics are promised only", len(m))
	}
	for _, name := range served(t) {
		if strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "go_") {
			m[name] = nil
		}
	}
	return m
}

// served returns the names of the metrics that a gateway serves that nobody has asked yet.
func served(t *testing.T) (names []string) {
	t.Helper()
	address := "127.0.0.1:" + deploytest.FreePort(t)
	args := []string{deploytest.Binary(t), "serve", "--profile", "dev", "--config", deploytest.Path(t, "configs"), "--address", address}
	cmd := deploytest.Command(nil, args...)
	cmd.Dir = t.TempDir()
	deploytest.Start(t, cmd).Await(t, address)
	response, err := http.Get("http://" + address + "/actuator/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 4 && f[1] == "TYPE" {
			names = append(names, f[2])
		}
	}
	if len(names) < 30 {
		t.Fatalf("the gateway serves %q", names)
	}
	return names
}

var (
	variable = regexp.MustCompile(`\$\w+`)
	chosen   = map[string]string{"$__rate_interval": "5m", "$__range": "6h", "$model": ".+", "$instance": ".+"}
	asked    = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	inLegend = regexp.MustCompile(`{{(\w+)}}`)
)

// TestExpressions: every expression is PromQL, and names no metric and no label that does not
// exist.
func TestExpressions(t *testing.T) {
	m, expressions := known(t), 0
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			for _, target := range p.Targets {
				expressions++
				for _, problem := range m.problems(target.Expr, target.LegendFormat) {
					t.Errorf("%s: %s: %s\n%s", b.file, p.Title, problem, target.Expr)
				}
			}
		}
		for _, a := range b.Annotations.List {
			expressions++
			for _, problem := range m.problems(a.Expr, "") {
				t.Errorf("%s: %s: %s", b.file, a.Name, problem)
			}
		}
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			expressions++
			if q := asked.FindStringSubmatch(v.Definition); q == nil || !m.has(q[1], q[2]) {
				t.Errorf("%s: the variable %s asks %s", b.file, v.Name, v.Definition)
			}
		}
	}
	if expressions < 80 {
		t.Errorf("there are %d expressions only", expressions)
	}
}

// TestProblemsAreSeen shows that TestExpressions can fail.
func TestProblemsAreSeen(t *testing.T) {
	m := metrics{"a_total": {"model"}, "b_bucket": {"le"}}
	for expr, want := range map[string]int{
		`sum by (model) (rate(a_total{model=~"$model", instance=~"$instance"}[$__rate_interval]))`: 0,
		`histogram_quantile(0.5, sum by (le) (rate(b_bucket[$__rate_interval])))`:                  0,
		`sum by (model) (rate(a_total[5m])`:                                                        1,
		`rate(c_total[5m])`:                                                                        1,
		`sum(rate(a_total{user="x"}[5m]))`:                                                         1,
		`sum by (user) (rate(a_total[5m]))`:                                                        1,
		`sum by (le) (rate(a_total[5m])) / sum by (model) (rate(b_bucket[5m]))`:                    2,
		`a_total{model=~"$modell"}`:                                                                1,
		`a_total`:                                                                                  0,
	} {
		if got := m.problems(expr, ""); len(got) != want {
			t.Errorf("%s: %q, want %d", expr, got, want)
		}
	}
	if got := m.problems("a_total", "{{user}}"); len(got) != 1 {
		t.Errorf("of a legend with a label that is not there: %q", got)
	}
}

// has reports whether the metric exists and has the label.
func (m metrics) has(name, label string) bool {
	labels, ok := m[name]
	return ok && (slices.Contains(labels, label) || slices.Contains(always, label))
}

// problems says what is wrong with an expression, and with the name that its series get.
func (m metrics) problems(expr, legend string) (all []string) {
	text := variable.ReplaceAllStringFunc(expr, func(name string) string {
		if chosen[name] == "" {
			all = append(all, "there is no variable "+name)
		}
		return chosen[name]
	})
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return append(all, err.Error())
	}
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			all = append(all, m.selector(n)...)
		case *parser.AggregateExpr:
			below := m.below(n.Expr)
			for _, label := range n.Grouping {
				if !slices.Contains(below, label) {
					all = append(all, "no series below it has the label "+label)
				}
			}
		}
		return nil
	})
	for _, label := range inLegend.FindAllStringSubmatch(legend, -1) {
		if !slices.Contains(m.below(tree), label[1]) && len(all) == 0 {
			all = append(all, "the legend names the label "+label[1])
		}
	}
	return all
}

func (m metrics) selector(s *parser.VectorSelector) (all []string) {
	if _, ok := m[s.Name]; !ok {
		return []string{"there is no metric " + s.Name}
	}
	for _, matcher := range s.LabelMatchers {
		if matcher.Name != "__name__" && !m.has(s.Name, matcher.Name) {
			all = append(all, s.Name+" has no label "+matcher.Name)
		}
	}
	return all
}

// below returns the labels that series of an expression may have.
func (m metrics) below(n parser.Node) []string {
	labels := map[string]bool{}
	parser.Inspect(n, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			for _, label := range append(slices.Clone(always), m[s.Name]...) {
				labels[label] = true
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(labels))
}
