package binding

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// placeholder begins a variable: ${NAME} or ${NAME:default}. A default goes to the next closing
// brace and may be empty or hold colons; `$${` stands for the two characters themselves.
const (
	placeholder = "${"
	escaped     = "$${"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// inFile ends the name of a variable that names a file with the value of another: secrets of
// containers are files, and whoever may look at a process sees its variables.
const inFile = "_FILE"

// textBytesMax bounds a value after variables have been filled in.
const textBytesMax = 64 << 10

func hasPlaceholder(s string) bool { return strings.Contains(s, placeholder) }

// Interpolation fills environment variables into the scalars of a tree: into values, so that a
// variable cannot add a key, and before they have types, so that ${PORT:6379} is a number. All
// fields but the results must be set. It is for one goroutine.
type Interpolation struct {
	Env      func(name string) (value string, set bool)
	ReadFile func(name string) ([]byte, error)
	Report   *Report

	Asked map[string]bool // result: the variables that were asked for
	Files []string        // result: those that values were read from (NAME_FILE)
}

// Fill fills every scalar below n.
func (i *Interpolation) Fill(n *Node) {
	for _, item := range n.Items {
		i.Fill(item)
	}
	for _, e := range n.Fields {
		i.Fill(e.Value)
	}
	if n.Kind != ScalarKind || !hasPlaceholder(n.Text) {
		return
	}
	text, m := i.Expand(n.Text)
	if m != nil {
		i.Report.AddAt(n, "", m.Problem, m.Remedy)
		n.Kind = BrokenKind
		return
	}
	n.source, n.Text = n.Text, text
}

// Expand returns the text with its variables filled in. A value is not looked
// at again: what looks like a variable in it stays as it is.
func (i *Interpolation) Expand(s string) (string, *Mistake) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, placeholder)
		b.WriteString(before)
		if !found {
			return b.String(), tooLong(b.Len())
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString("{")
			s = rest
			continue
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", Wrong("has ${ without }",
				"write ${NAME} or ${NAME:default}, and $${ for the characters ${ themselves")
		}
		value, m := i.variable(inner)
		if m != nil {
			return "", m
		}
		b.WriteString(value)
		s = after
	}
}

// variable returns the value of NAME or NAME:default.
func (i *Interpolation) variable(inner string) (string, *Mistake) {
	name, fallback, hasFallback := strings.Cut(inner, ":")
	switch {
	case !variableName.MatchString(name):
		return "", Wrong(Quote(name)+" is not the name of an environment variable",
			"write ${NAME} or ${NAME:default}")
	case hasPlaceholder(fallback):
		return "", Wrong("the default of "+name+" holds a variable itself", "write a plain default")
	}
	value, set, m := i.look(name)
	named := "the environment variable " + name
	switch {
	case m != nil:
		return "", m
	case !set && !hasFallback:
		return "", Wrong(named+" is not set", "set it, or write ${"+name+":default}")
	case !set:
		return fallback, nil
	case !utf8.ValidString(value):
		return "", Wrong(named+" is not UTF-8", "set it to text")
	}
	return value, nil
}

// look returns what a variable holds: its own value, or what the file says that NAME_FILE
// names. It notes what it has looked at.
func (i *Interpolation) look(name string) (value string, set bool, m *Mistake) {
	if i.Asked == nil {
		i.Asked = map[string]bool{}
	}
	i.Asked[name], i.Asked[name+inFile] = true, true
	value, set = i.Env(name)
	file, _ := i.Env(name + inFile)
	switch {
	case file == "":
		return value, set, nil
	case value != "":
		return "", false, Wrong("the environment variables "+name+" and "+name+inFile+
			" are both set", "unset one of them")
	}
	i.Files = append(i.Files, file)
	value, m = i.secret(name+inFile, file)
	return value, m == nil, m
}

// secret returns what a file says that a variable names, less the newline at its end.
func (i *Interpolation) secret(variable, file string) (string, *Mistake) {
	b, err := i.ReadFile(file)
	named := fmt.Sprintf("the file %s (of the environment variable %s) ", Quote(file), variable)
	switch {
	case err != nil:
		return "", Wrong(named+"cannot be read: "+err.Error(), i.Report.Advice.Unreadable)
	case len(b) > textBytesMax:
		return "", Wrong(fmt.Sprintf("%shas more than %d bytes", named, textBytesMax),
			"name the file of one value")
	case !utf8.Valid(b):
		return "", Wrong(named+"is not UTF-8", "write text into it")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

func tooLong(n int) *Mistake {
	if n <= textBytesMax {
		return nil
	}
	return Wrong(fmt.Sprintf("has %d bytes after filling in variables", n),
		fmt.Sprintf("at most %d are possible", textBytesMax))
}

// escape is the inverse of Expand for a text that holds no variables.
func escape(s string) string { return strings.ReplaceAll(s, placeholder, escaped) }
