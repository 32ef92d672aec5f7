package binding

import (
	"fmt"
	"strings"
)

// Mistake is what a rule says of a value; nil says that the value is right.
type Mistake struct{ Problem, Remedy string }

// Wrong returns what is wrong with a value, and what to do; "" where the problem says it.
func Wrong(problem, remedy string) *Mistake { return &Mistake{problem, remedy} }

// Error is one mistake with its place.
type Error struct {
	File         string // as an editor can open it
	Line, Column int    // from 1; 0 when the whole file is meant
	Path         string // of the key; "" for none
	Value        string // as shown: quoted text, a number, *** for a secret; "" for none
	Problem      string // what is wrong, following the value
	Remedy       string // what to do; "" where the problem says it
	Err          error  // of the system, for errors.Is; nil where the problem is none of its
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Error returns the place, the key, the value, the problem and the remedy on
// one line: `shop.yml:3:12: shop.closes-after: "2" has no unit; ...`.
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

// Errors is every mistake, or every warning, that was found.
type Errors []*Error

// Error returns a line for each mistake, and one that says where there may be more.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	if len(e) >= mistakesMax {
		lines = append(lines,
			fmt.Sprintf("there may be more: %d mistakes are told at once", mistakesMax))
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
