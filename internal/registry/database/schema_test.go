package database

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/architecture/database-schema.md")

const schemaPage = "../../../docs/architecture/database-schema.md"

// table is a table as the migrations make it.
type table struct {
	name, about string
	columns     []column
	rest        []string // keys over several columns, and indexes
	migration   int
}

type column struct{ name, kind, about string }

var (
	createTable = regexp.MustCompile(`^CREATE TABLE (\w+) \($`)
	createIndex = regexp.MustCompile(`^CREATE INDEX \w+ ON (\w+) (\(.*\));$`)
	columnLine  = regexp.MustCompile(`^  (\w+) ([A-Z][^,]*?)( *,)?( *-- (.*))?$`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (\w+) ([A-Z].*?);( *-- (.*))?$`)
	keyLine     = regexp.MustCompile(`^  (PRIMARY KEY \(.*\))$`)
)

// tables reads the migrations, whose every line has to be one that it knows.
func tables(t *testing.T) (all []*table) {
	t.Helper()
	for i, step := range steps {
		var about []string
		var open *table
		for n, line := range strings.Split(step.text, "\n") {
			switch {
			case n == 0, strings.HasPrefix(line, "INSERT INTO "):
			case strings.HasPrefix(line, "-- "):
				about = append(about, strings.TrimPrefix(line, "-- "))
			case line == "":
				about = nil
			case line == ");":
				open = nil
			case createTable.MatchString(line):
				open = &table{name: createTable.FindStringSubmatch(line)[1], about: strings.Join(about, " "), migration: i + 1}
				all = append(all, open)
				about = nil
			case createIndex.MatchString(line):
				m := createIndex.FindStringSubmatch(line)
				at := slices.IndexFunc(all, func(x *table) bool { return x.name == m[1] })
				all[at].rest = append(all[at].rest, "INDEX "+m[2])
			case addColumn.MatchString(line):
				m := addColumn.FindStringSubmatch(line)
				at := slices.IndexFunc(all, func(x *table) bool { return x.name == m[1] })
				all[at].columns = append(all[at].columns, column{m[2], m[3], fmt.Sprintf("%s (since migration %d)", m[5], i+1)})
			case open != nil && keyLine.MatchString(line):
				open.rest = append(open.rest, keyLine.FindStringSubmatch(line)[1])
			case open != nil && columnLine.MatchString(line):
				m := columnLine.FindStringSubmatch(line)
				open.columns = append(open.columns, column{m[1], m[2], m[5]})
			default:
				t.Errorf("%s:%d: this test does not know the line %q", step.name, n+1, line)
			}
		}
	}
	return all
}

// TestSchema keeps docs/architecture/database-schema.md the same as the migrations, and what it says
// the same as what both databases have.
func TestSchema(t *testing.T) {
	all := tables(t)
	var page bytes.Buffer
	page.WriteString(`# The schema of the control database

Made from ` + "`internal/registry/database/migrations`" + ` by ` + "`go test ./internal/registry/database -run TestSchema -update`" + `. SQLite and PostgreSQL have the same tables. Times are microseconds since 1970, 0 for none. Lists are JSON. No column can be NULL.
` + "`schema_version`" + ` has a row for each migration that was done: its number, and the oldest that a gateway has to know in order to work with it ([ADR 0033](../adr/0033-control-database.md)).
`)
	for _, x := range all {
		fmt.Fprintf(&page, "\n## %s\n\nSince migration %d. %s\n\n| column | type | |\n|---|---|---|\n", x.name, x.migration, x.about)
		for _, c := range x.columns {
			fmt.Fprintf(&page, "| `%s` | `%s` | %s |\n", c.name, strings.Replace(c.kind, " NOT NULL", "", 1), c.about)
		}
		for _, r := range x.rest {
			fmt.Fprintf(&page, "\n`%s`\n", r)
		}
	}
	text := regexp.MustCompile(` +\n`).ReplaceAll(page.Bytes(), []byte("\n"))
	if *update {
		if err := os.WriteFile(schemaPage, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaPage); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%s is not what the migrations make (%v): run go test ./internal/registry/database -run TestSchema -update", schemaPage, err)
	}
	var want []string
	for _, x := range all {
		for _, c := range x.columns {
			want = append(want, x.name+"."+c.name)
		}
	}
	want = append(want, "schema_version.version", "schema_version.oldest")
	slices.Sort(want)
	for name, there := range map[string]struct {
		o   Options
		ask string
	}{
		"sqlite":   {Options{Folder: t.TempDir()}, "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"},
		"postgres": {Options{URL: newURL(t)}, "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"},
	} {
		d, err := Open(there.o)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		rows, err := pool(t, d).QueryContext(t.Context(), there.ask)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			var column string
			if err := rows.Scan(&column); err != nil {
				t.Fatal(err)
			}
			got = append(got, column)
		}
		if slices.Sort(got); rows.Err() != nil || !slices.Equal(got, want) {
			t.Errorf("%s has the columns %v, %v; the page %v", name, got, rows.Err(), want)
		}
	}
}
