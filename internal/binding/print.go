package binding

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Print returns a map that a target has encoded, as YAML that reads as the same values.
func Print(n *Node) string {
	var b strings.Builder
	printMap(&b, n, "")
	return b.String()
}

// printMap writes a line, or more, for every key.
func printMap(b *strings.Builder, n *Node, indent string) {
	for _, e := range n.Fields {
		b.WriteString(indent + yamlText(e.Key) + ":")
		printValue(b, e.Value, indent)
		indent = strings.ReplaceAll(indent, "-", " ") // after the first key of a list's item
	}
}

func printValue(b *strings.Builder, n *Node, indent string) {
	deeper := strings.ReplaceAll(indent, "-", " ") + "  "
	switch {
	case n.Kind == ScalarKind:
		b.WriteString(" " + yamlValue(n.value) + "\n")
	case n.Kind == MapKind && len(n.Fields) > 0:
		b.WriteString("\n")
		printMap(b, n, deeper)
	case n.Kind == MapKind:
		b.WriteString(" {}\n")
	case len(n.Items) > 0 && n.Items[0].Kind == MapKind:
		b.WriteString("\n")
		for _, item := range n.Items {
			printMap(b, item, deeper+"- ")
		}
	default:
		list := make([]string, len(n.Items))
		for i, item := range n.Items {
			list[i] = yamlValue(item.value)
		}
		b.WriteString(" [" + strings.Join(list, ", ") + "]\n")
	}
}

// plainForm is text that every YAML reader takes as text without quotes, also
// in a list in brackets: words, paths and addresses, and lengths of time.
var plainForm = regexp.MustCompile(
	`^(?:[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*|(?:[0-9.]+(?:h|m|s|ms|µs|ns))+)$`)

var reserved = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n|inf|nan)$`)

// yamlValue returns a value as a YAML scalar that holds no variables.
func yamlValue(v any) string {
	switch v := v.(type) {
	case string:
		return yamlText(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func yamlText(s string) string {
	s = escape(s)
	if plainForm.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	return Quote(s)
}

// Quote returns text in double quotes; YAML knows all of Go's escapes.
func Quote(s string) string { return strconv.Quote(s) }

// Flat returns the scalars of an encoded tree. Their keys are joined as in shops[0].name. A
// value is text, an int64, a float64 or a bool; "" for an empty list.
func Flat(n *Node) map[string]any {
	all := map[string]any{}
	flatten(all, "", n)
	return all
}

func flatten(all map[string]any, at string, n *Node) {
	switch {
	case n.Kind == MapKind:
		for _, e := range n.Fields {
			flatten(all, strings.TrimPrefix(at+"."+e.Key, "."), e.Value)
		}
	case n.Kind == ScalarKind:
		all[at] = n.value
	case len(n.Items) == 0:
		all[at] = ""
	default:
		for i, item := range n.Items {
			flatten(all, at+"["+strconv.Itoa(i)+"]", item)
		}
	}
}
