package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is where the repository is.
const root = "../.."

// document is a text in Markdown.
type document struct {
	path     string // from the root, with slashes
	text     string // without what is in fences
	fences   []fence
	headings []string // with their marks
	tables   []int    // rows of each, without the head
}

// fence is a fenced block.
type fence struct {
	language string
	lines    []string // without the indentation of the fence
}

func (f fence) String() string { return strings.Join(f.lines, "\n") }

// documents reads all of them: Markdown anywhere but in folders of tools.
func documents(t testing.TB) []document {
	t.Helper()
	var all []document
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && name != root) {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		all = append(all, parse(filepath.ToSlash(relative), string(b)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("there are %d documents only", len(all))
	}
	return all
}

// document returns the one at path.
func readDocument(t testing.TB, path string) document {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return parse(path, string(b))
}

var fenceMark = regexp.MustCompile("^( *)```(\\w*)")

func parse(path, text string) document {
	d := document{path: path}
	var prose []string
	var inside *fence
	indent, inTable := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		mark := fenceMark.FindStringSubmatch(line)
		switch {
		case inside != nil && mark != nil:
			d.fences, inside = append(d.fences, *inside), nil
		case inside != nil:
			inside.lines = append(inside.lines, strings.TrimPrefix(line, indent))
		case mark != nil:
			inside, indent = &fence{language: mark[2]}, mark[1]
		default:
			prose = append(prose, line)
			if strings.HasPrefix(line, "#") {
				d.headings = append(d.headings, line)
			}
			if row := strings.HasPrefix(line, "|"); row && !inTable {
				d.tables = append(d.tables, -2) // its head has two lines
			}
			if inTable = strings.HasPrefix(line, "|"); inTable {
				d.tables[len(d.tables)-1]++
			}
		}
	}
	d.text = strings.Join(prose, "\n")
	return d
}

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// spans returns what stands between backquotes.
func (d document) spans() []string {
	var all []string
	for _, m := range codeSpan.FindAllStringSubmatch(d.text, -1) {
		all = append(all, m[1])
	}
	return all
}

// sources returns the text of all Go files below folders, by their paths.
func sources(t testing.TB, tests bool, folders ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") != tests {
				return err
			}
			b, err := os.ReadFile(name)
			all[name] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// found returns what the first group of a pattern matches in the texts, each
// once and sorted.
func found(pattern string, texts map[string]string) []string {
	var all []string
	for _, text := range texts {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
