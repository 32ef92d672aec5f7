package dashboard

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// board is what these tests look at of a dashboard.
type board struct {
	file       string
	UID, Title string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
	Links []struct{ Title, URL string }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr, LegendFormat, Format string }
	Links                    []struct{ Title, URL string }
	FieldConfig              struct {
		Defaults  struct{ Unit string }
		Overrides json.RawMessage
	}
}

// boards reads all dashboards.
func boards(t *testing.T) []board {
	t.Helper()
	files, err := filepath.Glob(deploytest.Path(t, "monitoring/grafana/dashboards/*.json"))
	if err != nil || len(files) != 3 {
		t.Fatalf("the dashboards are %v (%v)", files, err)
	}
	var all []board
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := board{file: filepath.Base(file)}
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, b)
	}
	return all
}

// TestFilesHaveTheirNames: the names of files and of dashboards are those that links rely on.
func TestFilesHaveTheirNames(t *testing.T) {
	for _, b := range boards(t) {
		if want := b.UID + "-dashboard.json"; b.file != want {
			t.Errorf("the dashboard %q is in %s, want %s", b.UID, b.file, want)
		}
	}
}

// TestPanelsExplainThemselves: who is woken by an alert has not read the code.
func TestPanelsExplainThemselves(t *testing.T) {
	for _, b := range boards(t) {
		titles, ids := map[string]bool{}, map[int]bool{}
		for _, p := range b.Panels {
			where := b.file + ": " + p.Title
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: the id %d is another panel's, or none", where, p.ID)
			}
			ids[p.ID] = true
			if p.Type == "row" {
				continue
			}
			if titles[p.Title] || p.Title == "" {
				t.Errorf("%s: two panels have this title", where)
			}
			titles[p.Title] = true
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: its description is %q", where, p.Description)
			}
			if p.Type == "text" {
				continue
			}
			if p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: it asks %v, not what is chosen", where, p.Datasource)
			}
			if p.Type != "state-timeline" && p.FieldConfig.Defaults.Unit == "" && !strings.Contains(string(p.FieldConfig.Overrides), `"unit"`) && p.Title != "Alerts" {
				t.Errorf("%s: it has no unit", where)
			}
			for _, target := range p.Targets {
				if target.LegendFormat == "" {
					t.Errorf("%s: a series has no name", where)
				}
			}
		}
	}
}

// TestPanelsFitTheGrid: none lies over another, and no line has a gap.
func TestPanelsFitTheGrid(t *testing.T) {
	for _, b := range boards(t) {
		taken := map[[2]int]string{}
		for _, p := range b.Panels {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if by := taken[[2]int{x, y}]; by != "" || x >= 24 {
						t.Fatalf("%s: %s lies over %q, or over the edge", b.file, p.Title, by)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		height := 0
		for cell := range taken {
			height = max(height, cell[1]+1)
		}
		if len(taken) != 24*height {
			t.Errorf("%s: %d cells of its %d lines are taken, want all %d", b.file, len(taken), height, 24*height)
		}
	}
}

// document matches links to the repository's documents.
var document = regexp.MustCompile(`^https://github\.com/token-rate-limiter/token-rate-limiter/blob/main/([^#]+)(?:#(.+))?$`)

// TestLinksLeadSomewhere: each link to a document leads to one that is there, and to a heading
// of it.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, b := range boards(t) {
		links := b.Links
		for _, p := range b.Panels {
			links = append(links, p.Links...)
		}
		runbooks := 0
		for _, l := range links {
			if l.URL == "" {
				continue // to dashboards
			}
			m := document.FindStringSubmatch(l.URL)
			if m == nil {
				t.Errorf("%s: %s leads to %s", b.file, l.Title, l.URL)
				continue
			}
			if m[1] == "docs/runbooks.md" {
				runbooks++
			}
			text, err := os.ReadFile(deploytest.Path(t, m[1]))
			if err != nil {
				t.Errorf("%s: %s: %v", b.file, l.Title, err)
			} else if m[2] != "" && !slices.Contains(headings(string(text)), m[2]) {
				t.Errorf("%s: %s has no heading for #%s", b.file, m[1], m[2])
			}
		}
		if runbooks == 0 {
			t.Errorf("%s does not lead to the runbooks", b.file)
		}
	}
}

// headings returns what a document's headings are called in links, for those of plain words.
func headings(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	return all
}
