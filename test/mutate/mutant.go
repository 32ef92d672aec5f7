package main

import (
	"bytes"
	"fmt"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	area     *area
	path     string
	text     []byte // of the whole file, as it is
	from, to int    // what is replaced
	by       string
}

// place says where m is, for people.
func (m *mutant) place() string {
	return fmt.Sprintf("%s:%d", m.path, 1+bytes.Count(m.text[:m.from], []byte{'\n'}))
}

// line returns the line that m begins in, without the blanks around it.
func (m *mutant) line() string {
	begin := bytes.LastIndexByte(m.text[:m.from], '\n') + 1
	rest, _, _ := bytes.Cut(m.text[begin:], []byte{'\n'})
	return string(bytes.TrimSpace(rest))
}

// change says what m does: what was there, and what is in its place.
func (m *mutant) change() string {
	was := strings.Join(strings.Fields(string(m.text[m.from:m.to])), " ")
	if m.by == "" {
		return fmt.Sprintf("without %q", was)
	}
	return fmt.Sprintf("%q for %q", m.by, was)
}

// mutated returns the file with the change.
func (m *mutant) mutated() []byte {
	return fmt.Appendf(nil, "%s%s%s", m.text[:m.from], m.by, m.text[m.to:])
}

// swaps has what stands for an operator in a mutant, in both languages.
var swaps = map[string][]string{
	"==": {"!="}, "!=": {"=="}, "~=": {"=="}, "<": {"<=", ">="}, "<=": {"<", ">"}, ">": {">=", "<="}, ">=": {">", "<"},
	"+": {"-"}, "-": {"+"}, "*": {"/"}, "/": {"*"}, "&&": {"||"}, "||": {"&&"}, "and": {"or"}, "or": {"and"},
	"+=": {"-="}, "-=": {"+="}, "++": {"--"}, "--": {"++"}, "min": {"max"}, "max": {"min"}, "true": {"false"}, "false": {"true"},
}
