package rules_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	root     = "../.."
	linesMax = 350 // of a file; the standards ask for 80 to 250
	// columnsMax is the longest line, with tabs of tabColumns.
	columnsMax, tabColumns = 100, 4
)

// sourcePackage is the code of a folder without its tests.
type sourcePackage struct {
	folder string // from the root of the module, with slashes
	files  []sourceFile
}

type sourceFile struct {
	name   string
	lines  int
	wide   []int // the numbers of lines that are longer than columnsMax
	syntax *ast.File
}

// packages reads all packages below cmd and internal, in the order of their
// folders.
func packages(t *testing.T) []sourcePackage {
	t.Helper()
	found := map[string]*sourcePackage{}
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			folder, err := filepath.Rel(root, filepath.Dir(name))
			if err != nil {
				return err
			}
			folder = filepath.ToSlash(folder)
			if found[folder] == nil {
				found[folder] = &sourcePackage{folder: folder}
			}
			file, err := parse(name)
			found[folder].files = append(found[folder].files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 2 {
		t.Fatalf("there are %d packages below %s", len(found), root)
	}
	list := make([]sourcePackage, 0, len(found))
	for p := range maps.Values(found) {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b sourcePackage) int { return cmp.Compare(a.folder, b.folder) })
	return list
}

func parse(name string) (sourceFile, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return sourceFile{}, err
	}
	f := sourceFile{name: filepath.Base(name)}
	for line := range strings.Lines(string(text)) {
		f.lines++
		if columns(strings.TrimSuffix(line, "\n")) > columnsMax {
			f.wide = append(f.wide, f.lines)
		}
	}
	f.syntax, err = parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

// columns returns how wide a line is.
func columns(line string) int {
	return utf8.RuneCountInString(line) + (tabColumns-1)*strings.Count(line, "\t")
}

// imports returns what the package imports, sorted, each once: packages of this
// module by their folders.
func (p sourcePackage) imports() []string {
	list := []string{}
	for _, f := range p.files {
		for _, i := range f.syntax.Imports {
			name, _ := strconv.Unquote(i.Path.Value) // the parser has checked it
			list = append(list, strings.TrimPrefix(name, module))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var comments []string
		for _, f := range p.files {
			if f.syntax.Doc != nil {
				comments = append(comments, f.name)
			}
		}
		if len(comments) != 1 {
			t.Errorf("%s has %d package comments, want 1: %v", p.folder, len(comments), comments)
		}
	}
}

func TestPackageNames(t *testing.T) {
	empty := []string{"util", "utils", "common", "helper", "helpers", "types", "model", "models", "pkg", "base", "misc"}
	for _, p := range packages(t) {
		for _, f := range p.files {
			if name := f.syntax.Name.Name; slices.Contains(empty, name) {
				t.Errorf("%s/%s: the package name %q does not say what the package provides", p.folder, f.name, name)
			}
		}
	}
}

func TestFileLengths(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.lines > linesMax {
				t.Errorf("%s/%s has %d lines, more than %d", p.folder, f.name, f.lines, linesMax)
			}
		}
	}
}

func TestLineLengths(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, line := range f.wide {
				t.Errorf("%s/%s:%d: the line is longer than %d columns", p.folder, f.name, line, columnsMax)
			}
		}
	}
}
