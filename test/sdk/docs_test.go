package sdk

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the snippets into the documentation")

// snippetIn is a snippet in a document: the comment that says where it comes
// from, and its block.
var snippetIn = regexp.MustCompile("(?s)<!-- snippet: (\\S+) (\\S+) -->\n```(\\w+)\n(.*?)```\n")

// TestSnippets holds the documents to the code that runs here.
func TestSnippets(t *testing.T) {
	const each = 7*2 + 6 // two of each library, and imports of those for Python and Node
	var sources [][]string
	for _, name := range []string{"clients.md", "clients.ko.md"} {
		path := filepath.Join("..", "..", "docs", name)
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var from []string
		fresh := snippetIn.ReplaceAllStringFunc(string(document), func(block string) string {
			m := snippetIn.FindStringSubmatch(block)
			from = append(from, m[1]+" "+m[2])
			return "<!-- snippet: " + m[1] + " " + m[2] + " -->\n```" + m[3] + "\n" + snippet(t, m[1], m[2]) + "```\n"
		})
		if len(from) != each {
			t.Errorf("%s has %d snippets, want %d", name, len(from), each)
		}
		sources = append(sources, from)
		if *update {
			if err := os.WriteFile(path, []byte(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(fresh, string(document)); diff != "" {
			t.Errorf("%s is not what runs here; write it with: go test ./test/sdk -run TestSnippets -update (-runs +document):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(sources[0], sources[1]); diff != "" {
		t.Errorf("the two languages have different snippets (-en +ko):\n%s", diff)
	}
}

// snippet returns what stands between the marks in a file of the repository.
func snippet(t *testing.T, file, name string) string {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	mark := "// "
	if filepath.Ext(file) == ".py" {
		mark = "# "
	}
	_, rest, begun := strings.Cut(string(code), mark+"docs: "+name+"\n")
	text, _, ended := strings.Cut(rest, mark+"end\n")
	if !begun || !ended {
		t.Fatalf("%s has no snippet %q", file, name)
	}
	return strings.TrimRight(text, "\n") + "\n"
}
