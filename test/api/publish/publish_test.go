package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// TestPublished wants the files of the repository to be what the document makes now.
func TestPublished(t *testing.T) {
	files, err := published(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%s is not what %s makes: run make api (-want +got):\n%s", name, source, diff)
		}
	}
}

// TestWrite writes into a copy, twice the same.
func TestWrite(t *testing.T) {
	folder := t.TempDir()
	text, err := os.ReadFile(filepath.Join(root, source))
	if err != nil {
		t.Fatal(err)
	}
	if err := write(folder); err == nil {
		t.Error("a document that there is not is written")
	}
	for _, sub := range []string{"api", "docs/api", "internal/admin"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, source), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := write(folder); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"docs/api/openapi.yaml", "docs/api/postman-collection.json", "internal/admin/openapi.yaml"} {
			want, _ := os.ReadFile(filepath.Join(root, name))
			if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != string(want) {
				t.Errorf("%s is written otherwise (%v)", name, err)
			}
		}
	}
}

// TestEveryOperation wants a request of each operation, with tests, but of those whose answer
// only programs read; and no variable that is not set.
func TestEveryOperation(t *testing.T) {
	files, err := published(root)
	if err != nil {
		t.Fatal(err)
	}
	text := files["docs/api/postman-collection.json"]
	var c collection
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range c.Item {
		for _, i := range f.Item {
			if f.Name != "refusals" {
				got[i.Request.Method+" /"+strings.Join(i.Request.URL.Path, "/")] = true
			}
			if tests := i.Event[0].Script.Exec; i.Event[0].Listen != "test" || len(tests) < 3 {
				t.Errorf("%s has the tests %q", i.Name, tests)
			}
		}
	}
	d, err := parse(files["docs/api/openapi.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, path := range d.paths {
		for method := range object(at(d.root, "paths", path)) {
			want[strings.ToUpper(method)+" "+parameter.ReplaceAllString(path, ":$1")] = true
		}
	}
	delete(want, "GET /debug/pprof/:profile")
	delete(want, "DELETE /api/v1/admin/slots/:replica") // of a replica that is dead
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("operations (-the document +the collection):\n%s", diff)
	}
	for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(string(text), -1) {
		if !slices.ContainsFunc(c.Variable, func(v variable) bool { return v.Key == m[1] }) {
			t.Errorf("the variable %s is not set", m[1])
		}
	}
}

// TestMistakes is about documents that cannot be published.
func TestMistakes(t *testing.T) {
	const head = "info: {title: t, summary: s}\ntags: [{name: a, description: d}]\n"
	operation := func(method, fields string) string {
		return fmt.Sprintf("%spaths: {/a: {%s: {tags: [a], summary: s, %s}}}\n", head, method, fields)
	}
	for name, text := range map[string]string{
		"nothing is at #/components/schemas/B":   operation("get", `responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/B'}}}}}`),
		"nothing is at other.yaml":               operation("get", `responses: {'200': {$ref: 'other.yaml'}}`),
		"no answer with 200 or 201 is described": operation("get", `responses: {'204': {description: nothing}}`),
		"its body has no example named short":    operation("post", `responses: {'200': {content: {application/json: {schema: {type: object}}}}}`),
	} {
		d, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := collectionOf(d); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s of\n%s", err, name, text)
		}
	}
	if _, err := parse([]byte("paths: [")); err == nil {
		t.Error("what is not YAML is read")
	}
}
