package binding

import (
	"fmt"
	"regexp"
	"strings"
)

// Position is a place in a file, from line 1 and column 1. Without a line it is the whole file.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Path is a key with all keys above it, as in `shop.prices["tea.green"]`; "" is the top of a file.
type Path string

// PathOf returns the path that keys make.
func PathOf(keys []string) (p Path) {
	for _, k := range keys {
		p = p.Key(k)
	}
	return p
}

// Key returns the path of a key below p. Keys that are not plain words are
// quoted, so that a dot in a name is not mistaken for a step.
func (p Path) Key(name string) Path {
	switch {
	case !plainKey.MatchString(name):
		return p + Path("["+Quote(name)+"]")
	case p == "":
		return Path(name)
	}
	return p + "." + Path(name)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Item returns the path of an element of the list p; i counts from 0.
func (p Path) Item(i int) Path { return p + Path(fmt.Sprintf("[%d]", i)) }

// Below reports whether p is key or below it.
func (p Path) Below(key Path) bool {
	rest, below := strings.CutPrefix(string(p), string(key))
	return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
