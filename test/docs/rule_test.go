package docs_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// update writes the routes into the documents: go test ./test/docs -run TestRulesAreDescribed -update
var update = flag.Bool("update", false, "write what is generated")

const guide = "../../docs/architecture/security-guide"

// TestRolesAreDescribed: the documents' table of permissions and roles is that of the code.
func TestRolesAreDescribed(t *testing.T) {
	for suffix, words := range map[string][2]string{".md": {"yes", "in its tenant"}, ".ko.md": {"예", "자기 테넌트"}} {
		var want []string
		for p := range identity.Permissions() {
			row := fmt.Sprintf("`%s`", p)
			for _, r := range identity.Roles() {
				switch {
				case r.Gives().Everywhere(p):
					row += " | " + words[0]
				case r.Gives().InTenant(p):
					row += " | " + words[1]
				default:
					row += " | "
				}
			}
			want = append(want, row)
		}
		var got []string
		for _, line := range tableOf(t, suffix, identity.Admin) {
			cells := cellsOf(line)
			got = append(got, strings.Join(slices.Delete(cells, 1, 2), " | "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the permissions of roles in %s%s (-the code +the document):\n%s", guide, suffix, diff)
		}
	}
}

// TestRulesAreDescribed: the documents' table of rules and routes is that of the code.
func TestRulesAreDescribed(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Config: "management: {pprof: true}"})
	byRule := map[string][]string{}
	for _, r := range g.Routes() {
		for method, rule := range r.Rules {
			if rule.Permission() == identity.ModelsUse && strings.Contains(r.Pattern, "{model}") || r.Pattern == "/" {
				continue // the same behind a model, and what is not found
			}
			byRule[rule.String()] = append(byRule[rule.String()], "`"+method+" "+r.Pattern+"`")
		}
	}
	var want []string
	names := []string{"open", "known"}
	for p := range identity.Permissions() {
		names = append(names, p.String(), gate.NeedsEverywhere(p).String())
	}
	for _, name := range names {
		if list := byRule[name]; len(list) > 0 {
			slices.Sort(list)
			want = append(want, fmt.Sprintf("| `%s` | %s |", name, strings.Join(list, ", ")))
		}
	}
	for _, suffix := range []string{".md", ".ko.md"} {
		got := tableOf(t, suffix, "")
		diff := cmp.Diff(want, got)
		if diff != "" && *update {
			head := headOf(suffix)
			text := read(t, suffix)
			text = strings.Replace(text, head+strings.Join(append(got, ""), "\n"), head+strings.Join(append(want, ""), "\n"), 1)
			if err := os.WriteFile(guide+suffix, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if diff != "" {
			t.Errorf("the rules of routes in %s%s (-the code +the document); -update writes them:\n%s", guide, suffix, diff)
		}
	}
}

// headOf returns how the table of rules begins.
func headOf(suffix string) string {
	return map[string]string{".md": "| rule | routes |\n|---|---|\n", ".ko.md": "| 규칙 | 경로 |\n|---|---|\n"}[suffix]
}

func read(t *testing.T, suffix string) string {
	t.Helper()
	text, err := os.ReadFile(guide + suffix)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableOf returns the rows of the table whose last column is of a role; "" for that of rules.
func tableOf(t *testing.T, suffix string, last identity.Role) []string {
	t.Helper()
	text, head := read(t, suffix), headOf(suffix)
	if last != "" {
		head = fmt.Sprintf("| `%s` |\n|---|---|---|---|---|---|\n", last)
	}
	_, rest, found := strings.Cut(text, head)
	if !found {
		t.Fatalf("%s%s has no table with the head %q", guide, suffix, head)
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	if strings.HasPrefix(rest, "\n") {
		return nil
	}
	return strings.Split(strings.TrimSuffix(table, "\n"), "\n")
}

// cellsOf returns the cells of a row.
func cellsOf(row string) []string {
	cells := strings.Split(strings.Trim(row, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}
