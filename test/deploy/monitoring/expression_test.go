package monitoring_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// question is an expression that something in monitoring/ asks.
type question struct {
	where string // the file, and the rule or panel
	expr  string
}

// rule is one of a file of rules.
type rule struct {
	file        string
	Record      string
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

// rules returns all of monitoring/prometheus.
func rules(t testing.TB) (all []rule) {
	t.Helper()
	for _, name := range files(t, "monitoring/prometheus/*-rules.yml") {
		var f struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal([]byte(read(t, name)), &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				r.file = name
				all = append(all, r)
			}
		}
	}
	if len(all) < 40 {
		t.Fatalf("there are %d rules only", len(all))
	}
	return all
}

func parse(t testing.TB, q question) parser.Expr {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(q.expr)
	if err != nil {
		t.Fatalf("%s: %v: %s", q.where, err, q.expr)
	}
	return e
}

// parts returns what an alert compares: where all is well it answers with nothing, but what is on
// both sides of its comparisons must be there. So must what is expected not to be absent.
func parts(e parser.Expr) []parser.Expr {
	switch e := e.(type) {
	case *parser.NumberLiteral:
		return nil
	case *parser.ParenExpr:
		return parts(e.Expr)
	case *parser.BinaryExpr:
		if e.Op.IsComparisonOperator() || e.Op.IsSetOperator() {
			return append(parts(e.LHS), parts(e.RHS)...)
		}
	case *parser.Call:
		if e.Func.Name == "absent" {
			return parts(e.Args[0])
		}
	}
	return []parser.Expr{e}
}

// names are the metrics that an expression asks for, each with the labels that it is asked by.
type names map[string]map[string]bool

// namesIn returns what an expression names. A label by which results are grouped or joined must
// be one of every metric that is left to it.
func namesIn(e parser.Node) names {
	found := names{}
	switch e := e.(type) {
	case *parser.VectorSelector:
		found[e.Name] = map[string]bool{}
		for _, m := range e.LabelMatchers {
			found[e.Name][m.Name] = true
		}
		return found
	}
	for child := range parser.ChildrenIter(e) {
		for name, labels := range namesIn(child) {
			found.add(name, labels)
		}
	}
	switch e := e.(type) {
	case *parser.AggregateExpr:
		found.addToAll(e.Grouping)
	case *parser.BinaryExpr:
		if e.VectorMatching != nil {
			found.addToAll(e.VectorMatching.MatchingLabels)
		}
	}
	return found
}

func (n names) add(name string, labels map[string]bool) {
	if n[name] == nil {
		n[name] = map[string]bool{}
	}
	for label := range labels {
		n[name][label] = true
	}
}

func (n names) addToAll(labels []string) {
	for name := range n {
		for _, label := range labels {
			n[name][label] = true
		}
	}
}

// hasData reports whether there is a number among the answers.
func hasData(answers []series) bool {
	return slices.ContainsFunc(answers, func(s series) bool {
		return slices.ContainsFunc(s.Values, func(v sample) bool {
			n, err := strconv.ParseFloat(v[1].(string), 64)
			return err == nil && !math.IsNaN(n)
		})
	})
}

// TestParts: of an alert everything is asked that could be missing.
func TestParts(t *testing.T) {
	for expr, want := range map[string][]string{
		"a > 1":                                {"a"},
		"a > 0.9 * b or increase(c[5m]) > 0":   {"a", "0.9 * b", "increase(c[5m])"},
		"(a > 1 and b > 1) or (c < 2)":         {"a", "b", "c"},
		`absent(up{job="x"} == 1)`:             {`up{job="x"}`},
		"sum by (x) (a) / on (x) b > 0.1":      {"sum by (x) (a) / on (x) b"},
		"a - time() < 86400 and on (x) b == 1": {"a - time()", "b"},
	} {
		var got []string
		for _, p := range parts(parse(t, question{"the test", expr})) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", expr, got, want)
		}
	}
}

// TestNamesIn: a label that only one of several metrics has is told of the others.
func TestNamesIn(t *testing.T) {
	got := namesIn(parse(t, question{"the test", `sum by (job) (rate(a{code="1"}[5m])) / on (model) b`}))
	if len(got) != 2 || !got["a"]["code"] || !got["a"]["job"] || !got["a"]["model"] || got["b"]["job"] || !got["b"]["model"] {
		t.Errorf("%v", got)
	}
}
