package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinksLeadSomewhere follows every link within the repository, to the
// heading that it names.
func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, d := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(d.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			target, anchor, _ := strings.Cut(m[1], "#")
			where := d.path
			if target != "" {
				where = path.Join(path.Dir(d.path), target)
			}
			if _, err := os.Stat(filepath.Join(root, where)); err != nil {
				t.Errorf("%s: there is no %s", d.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(readDocument(t, where)), anchor) {
				t.Errorf("%s: %s has no heading for %s; it has %q", d.path, where, m[1], anchors(readDocument(t, where)))
			}
		}
	}
	if links < 100 {
		t.Errorf("there are %d links only", links)
	}
}

// anchors returns what headings are called in links, as GitHub does it.
func anchors(d document) []string {
	var all []string
	for _, h := range d.headings {
		h = strings.ToLower(strings.TrimSpace(strings.TrimLeft(h, "#")))
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return r
			}
			return -1
		}, h))
	}
	return all
}
