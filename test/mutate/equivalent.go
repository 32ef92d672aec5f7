package main

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
)

// equivalents are the mutants that change nothing that anybody could see. A line is a
// file's name, a line of it, the change, and the reason, separated by " | ".
//
//go:embed equivalent.txt
var equivalents string

// known has the reasons of the mutants that are equivalent.
type known map[string]string

func newKnown() (known, error) {
	k := known{}
	for line := range strings.Lines(equivalents) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndex(line, " | ")
		if strings.Count(line, " | ") < 3 || i < 0 {
			return nil, fmt.Errorf("equivalent.txt: %q is not: file | line | change | reason", line)
		}
		k[line[:i]] = line[i+3:]
	}
	return k, nil
}

// key is how a mutant is named in the list.
func (m *mutant) key() string {
	return strings.Join([]string{path.Base(m.path), m.line(), m.change()}, " | ")
}
