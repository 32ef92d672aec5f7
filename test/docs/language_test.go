package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKoreanIsTheSameDocument compares the versions by what does not depend on
// the language: headings, blocks, tables and links.
func TestKoreanIsTheSameDocument(t *testing.T) {
	pairs := 0
	for _, korean := range documents(t) {
		name, ok := strings.CutSuffix(korean.path, ".ko.md")
		if !ok {
			continue
		}
		pairs++
		if _, err := os.Stat(filepath.Join(root, name+".md")); err != nil {
			t.Errorf("%s has no English version", korean.path)
			continue
		}
		english := readDocument(t, name+".md")
		if diff := cmp.Diff(skeletonOf(english), skeletonOf(korean)); diff != "" {
			t.Errorf("%s (-English +Korean):\n%s", korean.path, diff)
		}
	}
	if pairs < 9 {
		t.Errorf("there are %d documents in both languages only", pairs)
	}
}

// skeleton is what two versions of a document have in common.
type skeleton struct {
	Levels []int // of the headings
	Tables []int // their rows
	Links  []string
	Blocks []string
}

func skeletonOf(d document) skeleton {
	s := skeleton{Tables: d.tables}
	for _, h := range d.headings {
		s.Levels = append(s.Levels, len(h)-len(strings.TrimLeft(h, "#")))
	}
	for _, m := range link.FindAllStringSubmatch(d.text, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		s.Links = append(s.Links, strings.Replace(target, ".ko.md", ".md", 1))
	}
	for _, f := range d.fences {
		switch f.language {
		case "mermaid": // has words
			s.Blocks = append(s.Blocks, "mermaid")
		default:
			s.Blocks = append(s.Blocks, f.language+"\n"+uncommented(f.lines))
		}
	}
	if len(s.Links) > 0 { // the first leads to the other version
		s.Links = s.Links[1:]
	}
	return s
}

var comment = regexp.MustCompile(`(^|\s+)#\s.*$`)

// uncommented returns the lines without their comments, which are translated.
func uncommented(lines []string) string {
	var kept []string
	for _, line := range lines {
		if line = strings.TrimRight(comment.ReplaceAllString(line, ""), " "); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
