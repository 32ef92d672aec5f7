package binding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mistakesMax bounds a report: a person with this many mistakes has made one.
const mistakesMax = 100

// Report collects mistakes. It is for one goroutine; the zero value has none.
type Report struct {
	Advice       Advice
	Mistakes     Errors // as they were found
	UnknownAtTop bool   // a key at the top of a file is not known
}

// Advice holds the remedies that only the program knows; "" says nothing.
type Advice struct {
	Keys       string // for a file that holds no map
	Documents  string // for a file that holds a second document
	ManyKeys   string // for maps with too many keys
	Unreadable string // for a file that a variable names and that cannot be read
}

// Finding is a mistake in the value of a setting that is not secret.
type Finding struct {
	Setting []string // its keys, from the top
	Problem string   // what is wrong, following the value
	Remedy  string   // what to do
}

// Add notes a mistake, once. value is as it may be printed. Every text may be "", for none.
func (r *Report) Add(at Position, key Path, value, problem, remedy string) {
	e := Error{at.File, at.Line, at.Column, string(key), value, problem, remedy, nil}
	same := func(x *Error) bool { return *x == e }
	if len(r.Mistakes) < mistakesMax && !slices.ContainsFunc(r.Mistakes, same) {
		r.Mistakes = append(r.Mistakes, &e)
	}
}

// AddAt notes a mistake in the value of n, which must not be nil.
func (r *Report) AddAt(n *Node, value, problem, remedy string) {
	r.Add(n.At, n.Path, value, problem, remedy)
}

// AddKey notes a mistake at the place of a key, where AddAt takes that of its value.
func (r *Report) AddKey(e *Entry, value, problem, remedy string) {
	r.Add(e.At, e.Value.Path, value, problem, remedy)
}

// AddFindings notes what others have found wrong, but of settings that have a mistake already.
func (r *Report) AddFindings(root *Node, findings []Finding) {
	for _, f := range findings {
		n, key := root.Find(f.Setting...), PathOf(f.Setting)
		if n == nil { // it is not written, but a default
			n = &Node{At: Position{File: root.At.File}, Path: key}
		}
		if !r.Has(n.Path) {
			r.AddAt(n, Shown(n.Text)+origin(n), f.Problem, f.Remedy)
		}
	}
}

// Caused notes the system's error that the last mistake comes from.
func (r *Report) Caused(err error) { r.Mistakes[len(r.Mistakes)-1].Err = err }

// Expect returns whether a value is of the kind that is wanted, and reports it where it is not.
func (r *Report) Expect(n *Node, want Kind) bool {
	if n.Kind == want || n.Kind == BrokenKind {
		return n.Kind == want
	}
	remedy := shapes[want]
	if want == MapKind && n.Kind == ScalarKind && strings.Contains(n.Text, ":") {
		remedy = "write a space behind each colon"
	}
	r.AddAt(n, "", fmt.Sprintf("is %s where %s is expected", n.Kind, want), remedy)
	return false
}

var shapes = map[Kind]string{
	ScalarKind: "write the value behind the colon",
	ListKind:   "write [a, b], or a line with - for each",
	MapKind:    "write its keys in lines of their own, further to the right",
}

// Has reports whether a mistake was noted at a key or below it.
func (r *Report) Has(key Path) bool {
	return slices.ContainsFunc(r.Mistakes, func(e *Error) bool { return Path(e.Path).Below(key) })
}

// Err sorts the mistakes by place and returns them as Errors, or nil.
func (r *Report) Err() error {
	if len(r.Mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(r.Mistakes, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.Mistakes
}
