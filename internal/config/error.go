package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in the configuration.
type Error struct {
	File         string // as an editor can open it
	Line, Column int    // from 1; 0 when the whole file is meant
	Path         string // the key, such as `token.rate-limit.max-debt`; "" for none
	Value        string // as shown: quoted text, a number, *** for a secret; "" for none
	Problem      string // what is wrong, following the value
	Remedy       string // what to do; "" where the problem says it
	Err          error  // of the system, for errors.Is; nil where the problem is none of its
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Error returns the place, the key, the value, the problem and the remedy on
// one line: `application.yml:3:12: server.idle-timeout: "2" has no unit; ...`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Value != "" {
		b.WriteString(e.Value + " ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Errors is every mistake, or every warning, that Load found, in the order of the files'
// lines.
type Errors []*Error

// Error returns a line for each mistake, and one that says where there may be more.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	if len(e) >= mistakesMax {
		lines = append(lines, fmt.Sprintf("there may be more: %d mistakes are told at once", mistakesMax))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the mistakes, for errors.As.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, x := range e {
		list[i] = x
	}
	return list
}

// mistakesMax bounds a report: whoever has this many mistakes has one.
const mistakesMax = 100

// report collects mistakes.
type report struct {
	list         Errors
	unknownAtTop bool // a key at the top of the files is not known
}

// mistake is what a rule says of a value; nil says that the value is right.
type mistake struct{ problem, remedy string }

// add notes a mistake that has a place. shown is the value as it may be
// printed.
func (r *report) add(at position, key path, shown string, m mistake) {
	e := Error{
		File: at.file, Line: at.line, Column: at.column,
		Path: string(key), Value: shown, Problem: m.problem, Remedy: m.remedy,
	}
	if len(r.list) < mistakesMax && !slices.ContainsFunc(r.list, func(x *Error) bool { return *x == e }) {
		r.list = append(r.list, &e)
	}
}

// found notes what others have found wrong with values of a tree, unless
// something is noted there already.
func (r *report) found(root *node, findings []Finding) {
	for _, f := range findings {
		at, key := root.find(f.Setting...), joined(f.Setting)
		if at == nil {
			at = &node{at: position{file: root.at.file}} // it is not written, but a default
		}
		if !r.has(key) {
			r.add(at.at, at.path(key), shown(at.text)+origin(at), mistake{f.Problem, f.Remedy})
		}
	}
}

// caused notes the system's error that the last mistake comes from.
func (r *report) caused(err error) { r.list[len(r.list)-1].Err = err }

// has reports whether a mistake was noted at a key or below it.
func (r *report) has(key path) bool {
	return slices.ContainsFunc(r.list, func(e *Error) bool { return path(e.Path).below(key) })
}

// err returns the mistakes in order of place, or nil.
func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.list
}
