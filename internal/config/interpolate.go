package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// placeholder begins a variable: ${NAME} or ${NAME:default}. A default goes
// to the next closing brace and may be empty or hold colons; `$${` stands for
// the two characters themselves.
const (
	placeholder = "${"
	escaped     = "$${"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// inFile ends the name of the variable that names a file with the value of another: secrets
// of containers are files, and what is in a variable is shown to whoever may look at the
// container or the process.
const inFile = "_FILE"

// textBytesMax bounds a value after variables have been filled in.
const textBytesMax = 64 << 10

func hasPlaceholder(s string) bool { return strings.Contains(s, placeholder) }

// interpolation fills environment variables into the scalars of a tree. It
// works on values, never on raw text: what a variable holds cannot add a key,
// and the schema types what results, so that ${PORT:6379} is a number.
type interpolation struct {
	env    func(string) (string, bool)
	report *report
	read   map[string]bool // the variables that were asked for; nil: nobody wants to know
	files  []string        // that variables were read from
}

// tree fills every scalar below n; key is where n is.
func (i *interpolation) tree(key path, n *node) {
	switch n.kind {
	case scalarKind:
		i.scalar(key, n)
	case listKind:
		for j, item := range n.items {
			i.tree(key.item(j), item)
		}
	case mapKind:
		for _, e := range n.fields {
			i.tree(key.key(e.key), e.value)
		}
	}
}

func (i *interpolation) scalar(key path, n *node) {
	if !hasPlaceholder(n.text) {
		return
	}
	text, m := i.expand(n.text)
	if m != nil {
		i.report.add(n.at, key, "", *m)
		n.kind = brokenKind
		return
	}
	n.source, n.text = n.text, text
}

// expand returns the text with its variables filled in. A value is not looked
// at again: what looks like a variable in it stays as it is.
func (i *interpolation) expand(s string) (string, *mistake) {
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
			return "", &mistake{"has ${ without }", "write ${NAME} or ${NAME:default}, and $${ for the characters ${ themselves"}
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
func (i *interpolation) variable(inner string) (string, *mistake) {
	name, fallback, hasFallback := strings.Cut(inner, ":")
	switch {
	case !variableName.MatchString(name):
		return "", &mistake{quote(name) + " is not the name of an environment variable", "write ${NAME} or ${NAME:default}"}
	case hasPlaceholder(fallback):
		return "", &mistake{"the default of " + name + " holds a variable itself", "write a plain default"}
	}
	value, set, m := i.look(name)
	switch {
	case m != nil:
		return "", m
	case !set && !hasFallback:
		return "", &mistake{"the environment variable " + name + " is not set", fmt.Sprintf("set it, or write ${%s:default}", name)}
	case !set:
		return fallback, nil
	case !utf8.ValidString(value):
		return "", &mistake{"the environment variable " + name + " is not UTF-8", "set it to text"}
	}
	return value, nil
}

// look returns what a variable holds: its own value, or what the file says that NAME_FILE
// names. It notes what it has looked at.
func (i *interpolation) look(name string) (value string, set bool, m *mistake) {
	if i.read != nil {
		i.read[name], i.read[name+inFile] = true, true
	}
	value, set = i.env(name)
	file, _ := i.env(name + inFile)
	switch {
	case file == "":
		return value, set, nil
	case value != "":
		return "", false, &mistake{"the environment variables " + name + " and " + name + inFile + " are both set", "unset one of them"}
	}
	i.files = append(i.files, file)
	value, m = readSecret(name+inFile, file)
	return value, m == nil, m
}

// readSecret returns what a file says that a variable names, without the newline that
// editors and shells put at its end.
func readSecret(variable, file string) (string, *mistake) {
	b, err := ReadFile(file)
	switch {
	case err != nil:
		return "", &mistake{fmt.Sprintf("the file %s (of the environment variable %s) cannot be read: %v", quote(file), variable, cause(err)), "let it be read by the user that the gateway runs as, or unset the variable"}
	case len(b) > textBytesMax:
		return "", &mistake{fmt.Sprintf("the file %s (of the environment variable %s) has more than %d bytes", quote(file), variable, textBytesMax), "name the file of one value"}
	case !utf8.Valid(b):
		return "", &mistake{fmt.Sprintf("the file %s (of the environment variable %s) is not UTF-8", quote(file), variable), "write text into it"}
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

func tooLong(n int) *mistake {
	if n <= textBytesMax {
		return nil
	}
	return &mistake{fmt.Sprintf("has %d bytes after filling in variables", n), fmt.Sprintf("at most %d are possible", textBytesMax)}
}

// escape is the inverse of expand for a text that holds no variables.
func escape(s string) string { return strings.ReplaceAll(s, placeholder, escaped) }

// unescape is the inverse of escape.
func unescape(s string) string { return strings.ReplaceAll(s, escaped, placeholder) }
