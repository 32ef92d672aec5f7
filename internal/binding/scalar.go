package binding

import (
	"fmt"
	"regexp"
	"strings"
)

// mask stands for a secret.
const mask = "***"

// Scalar is a single value, bound to a variable. Parse, Print and Show must be set.
type Scalar struct {
	Want   string                // what to write: "a whole number from 1 to 65535"
	Parse  func(string) *Mistake // sets the variable, or says why not
	Print  func() string         // the variable in YAML; "" leaves the key out
	Show   func(string) string   // a value as messages may show it
	hidden func() string         // of a secret: the variable as it is; nil for others
}

// Wants says in the reference, and where a message has nothing better, what to
// write.
func (s Scalar) Wants(want string) Scalar {
	s.Want = want
	return s
}

// Decode sets the variable.
func (s Scalar) Decode(r *Report, key Path, n *Node) {
	switch n.Kind {
	case EmptyKind:
		r.Add(n.At, key, "", "has no value", "write "+s.Want+", or remove the key")
	case MapKind, ListKind:
		r.Add(n.At, key, "", fmt.Sprintf("is %s where %s is expected", n.Kind, ScalarKind),
			"write "+s.Want+" behind the colon")
	case ScalarKind:
		if m := s.Parse(n.Text); m != nil {
			r.Add(n.At, key, s.Show(n.Text)+origin(n), m.Problem, s.remedy(n, m))
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

// Encode returns what Print says.
func (s Scalar) Encode() *Node {
	text := s.Print()
	if text == "" {
		return nil
	}
	n := &Node{Kind: ScalarKind, Text: text}
	if s.hidden != nil {
		n.hidden = s.hidden()
	}
	return n
}

// variableUse finds the names of variables in a text. Their defaults are not
// shown: they may be secrets.
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
