package monitoring_test

import (
	"encoding/json"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// dashboard is what this test needs of one of Grafana's.
type dashboard struct {
	Panels      []panel
	Templating  struct{ List []variable }
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

// panel is one, or a row that holds others.
type panel struct {
	ID      int
	Title   string
	Panels  []panel
	Targets []struct{ Expr, LegendFormat string }
}

// variable is one that a reader chooses; its query is text, or has text in it.
type variable struct {
	Name, Type string
	Query      json.RawMessage
}

// dashboards returns all of monitoring/grafana by the names of their files.
func dashboards(t testing.TB) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, name := range files(t, "monitoring/grafana/dashboards/*.json") {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, name)), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[path.Base(name)] = d
	}
	return all
}

// flat returns the panels that have expressions, rows opened.
func flat(panels []panel) (all []panel) {
	for _, p := range panels {
		if all = append(all, flat(p.Panels)...); len(p.Targets) > 0 {
			all = append(all, p)
		}
	}
	return all
}

var (
	grafanaVariable = regexp.MustCompile(`\$(?:\{(\w+)(?::\w+)?\}|(\w+))`)
	labelValues     = regexp.MustCompile(`label_values\((?:(.+), *)?(\w+)\)`)
)

// filled fills in an expression's variables as Grafana does for a time: all that there is to choose.
func filled(expr string, d during) string {
	return grafanaVariable.ReplaceAllStringFunc(expr, func(v string) string {
		m := grafanaVariable.FindStringSubmatch(v)
		seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }
		switch m[1] + m[2] {
		case "__rate_interval":
			return seconds(max(10*time.Second, 2*d.step))
		case "__interval":
			return seconds(d.step)
		case "__range":
			return seconds(d.to.Sub(d.from))
		case "__range_s":
			return strings.TrimSuffix(seconds(d.to.Sub(d.from)), "s")
		}
		return ".*"
	})
}

// asked returns what the choices of a dashboard ask, as a question, and its annotations' expressions.
func (d dashboard) asked(t testing.TB, name string) (all []question) {
	t.Helper()
	for _, v := range d.Templating.List {
		if m := labelValues.FindStringSubmatch(string(v.Query)); m != nil && m[1] != "" {
			metric, err := strconv.Unquote(`"` + m[1] + `"`)
			if err != nil {
				t.Fatalf("%s: variable %s: %v", name, v.Name, err)
			}
			all = append(all, question{name + ", variable " + v.Name, "count by (" + m[2] + ") (" + metric + ")"})
		} else if v.Type == "query" {
			t.Errorf("%s: variable %s is not understood: %s", name, v.Name, v.Query)
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, question{name + ", annotation " + a.Name, a.Expr})
		}
	}
	return all
}
