package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// kept is where the dashboards are kept.
const kept = "../../../monitoring/grafana/dashboards"

// TestFilesAreWhatIsDescribed: Grafana shows what stands here, and nothing else.
func TestFilesAreWhatIsDescribed(t *testing.T) {
	files, err := os.ReadDir(kept)
	if err != nil || len(files) != len(All()) {
		t.Errorf("%s has %d files for %d dashboards (%v)", kept, len(files), len(All()), err)
	}
	for _, b := range All() {
		want, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(kept, b.File()))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what package board describes (%v): run make dashboards", b.File(), err)
		}
	}
}

// TestExpand leaves alone what is no abbreviation.
func TestExpand(t *testing.T) {
	for short, long := range map[string]string{
		`a{of}`:                                 `a{model=~"$model", instance=~"$instance"}`,
		`sum by (x) (rate(a{of, b="c"}[rate]))`: `sum by (x) (rate(a{model=~"$model", instance=~"$instance", b="c"}[$__rate_interval]))`,
		`increase(a{at}[all])`:                  `increase(a{instance=~"$instance"}[$__range])`,
		`ALERTS{alertstate="firing"}`:           `ALERTS{alertstate="firing"}`,
		`rate(a[5m])`:                           `rate(a[5m])`,
	} {
		if got := expand(short); got != long {
			t.Errorf("%s is %s, want %s", short, got, long)
		}
	}
}

// TestEveryChoiceCounts: an expression of a metric of gateways heeds which ones are chosen; else a
// panel would show something else than its dashboard says.
func TestEveryChoiceCounts(t *testing.T) {
	for _, b := range All() {
		for _, s := range b.sections {
			for _, p := range s.panels {
				built, err := p.Build()
				if err != nil {
					t.Fatal(err)
				}
				for _, target := range built.Targets {
					expr := target.(prometheus.Dataquery).Expr
					selectors := strings.Count(expr, "{") + strings.Count(expr, "ALERTS)")
					if got := strings.Count(expr, `instance=~"$instance"`) + strings.Count(expr, "ALERTS"); got != selectors || got == 0 {
						t.Errorf("%s: %s: of %d selectors, %d choose gateways: %s", b.title, *built.Title, selectors, got, expr)
					}
				}
			}
		}
	}
}

// TestMarksAreAboveNothing: Grafana marks where an expression is above 0, so none may look for a 0.
func TestMarksAreAboveNothing(t *testing.T) {
	for _, a := range annotations() {
		built, err := a.Build()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(*built.Expr, "== 0") {
			t.Errorf("%s never marks anything: %s", built.Name, *built.Expr)
		}
	}
}
