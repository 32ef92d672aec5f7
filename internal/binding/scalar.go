package binding

import (
	"fmt"
	"regexp"
	"strings"
)

// mask stands for a secret.
const mask = "***"

// Scalar is a single value, bound to a variable.
type Scalar struct {
	Want  string                // what to write: "a whole number from 1 to 65535"
	Parse func(string) *Mistake // sets the variable, or says why not
	Value func() any            // string, int64, float64, bool or Stringer; nil: no key
	Show  func(string) string   // a value as messages may show it; nil: Shown

	secret bool // it is compared, but not printed
}

// bound returns the scalar of a variable whose value parse finds.
func bound[T any](to *T, want string, parse func(string) (T, *Mistake)) Scalar {
	return Scalar{
		Want: want,
		Parse: func(s string) *Mistake {
			v, m := parse(s)
			if m == nil {
				*to = v
			}
			return m
		},
		Value: func() any { return *to },
	}
}

// Wants says in the reference, and where a message has nothing better, what to write.
func (s Scalar) Wants(want string) Scalar {
	s.Want = want
	return s
}

// Decode sets the variable.
func (s Scalar) Decode(r *Report, n *Node) {
	switch n.Kind {
	case EmptyKind:
		r.AddAt(n, "", "has no value", "write "+s.Want+", or remove the key")
	case MapKind, ListKind:
		r.AddAt(n, "", fmt.Sprintf("is %s where %s is expected", n.Kind, ScalarKind),
			"write "+s.Want+" behind the colon")
	case ScalarKind:
		if m := s.Parse(n.Text); m != nil {
			r.AddAt(n, s.shown(n.Text)+origin(n), m.Problem, s.remedy(n, m))
		}
	}
}

// remedy says what to do about a mistake in a value.
func (s Scalar) remedy(n *Node, m *Mistake) string {
	switch {
	case n.source != "" && strings.HasPrefix(n.Text, "tcp://"):
		return "Kubernetes sets this variable for a Service of that name: " +
			"take another variable, or set enableServiceLinks: false for the pod"
	case m.Remedy == "":
		return "write " + s.Want
	}
	return m.Remedy
}

// shown returns a value as messages may show it.
func (s Scalar) shown(text string) string {
	if s.Show == nil {
		return Shown(text)
	}
	return s.Show(text)
}

// Encode returns a node with the value.
func (s Scalar) Encode() *Node {
	v := s.Value()
	if text, is := v.(fmt.Stringer); is {
		v = text.String()
	}
	switch {
	case v == nil:
		return nil
	case s.secret && v != "":
		return &Node{Kind: ScalarKind, value: mask, hidden: v}
	}
	return &Node{Kind: ScalarKind, value: v}
}

// variableUse finds the names of variables in a text: their defaults may be secrets.
var variableUse = regexp.MustCompile(`\$\{[A-Za-z0-9_]+`)

// origin names the variables that a value comes from, for a message.
func origin(n *Node) string {
	if n.source == "" {
		return ""
	}
	names := variableUse.FindAllString(Shortened(n.source), -1)
	return " (from " + strings.Join(names, "}, ") + "})"
}

// Shown returns a value in quotes, shortened.
func Shown(s string) string { return Quote(Shortened(s)) }

// Shortened returns the beginning of a long value, for a message.
func Shortened(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
