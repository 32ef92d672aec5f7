package config

import (
	"io"
	"regexp"
	"strconv"
	"strings"
)

// WriteYAML writes the effective configuration with secrets masked: every
// setting that has a value, defaults included, in the order of the reference
// and with names sorted. What it writes loads again to the same Config, once
// the masks are replaced.
func (c *Config) WriteYAML(w io.Writer) error {
	_, err := io.WriteString(w, c.Masked())
	return err
}

// Masked returns what WriteYAML writes. It is safe for concurrent use.
func (c *Config) Masked() string {
	var b strings.Builder
	printMap(&b, c.schema().encode(), "")
	return b.String()
}

// printMap writes a line, or more, for every key. Sections of which nothing
// can be set are left out.
func printMap(b *strings.Builder, n *node, indent string) {
	for _, e := range n.fields {
		b.WriteString(indent + yamlText(e.key) + ":")
		printValue(b, e.value, indent)
		indent = strings.ReplaceAll(indent, "-", " ") // after the first key of a list's item
	}
}

func printValue(b *strings.Builder, n *node, indent string) {
	deeper := strings.ReplaceAll(indent, "-", " ") + "  "
	switch {
	case n.kind == scalarKind:
		b.WriteString(" " + n.text + "\n")
	case n.kind == mapKind && len(n.fields) > 0:
		b.WriteString("\n")
		printMap(b, n, deeper)
	case n.kind == mapKind:
		b.WriteString(" {}\n")
	case len(n.items) > 0 && n.items[0].kind == mapKind:
		b.WriteString("\n")
		for _, item := range n.items {
			printMap(b, item, deeper+"- ")
		}
	default:
		b.WriteString(" [" + joinTexts(n.items) + "]\n")
	}
}

func joinTexts(items []*node) string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = item.text
	}
	return strings.Join(list, ", ")
}

// plainForm is text that every YAML reader takes as text without quotes, also
// in a list in brackets.
var plainForm = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*$`)

var reserved = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n|inf|nan)$`)

// yamlText returns text as a YAML scalar that holds no variables.
func yamlText(s string) string {
	s = escape(s)
	if plainForm.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	return quote(s)
}

// quote returns text in double quotes; YAML knows all of Go's escapes.
func quote(s string) string { return strconv.Quote(s) }
