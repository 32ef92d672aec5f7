package config

import (
	"strconv"
	"strings"
)

// Profiles returns the profile that was laid over application.yml, as a list; empty
// where there is none.
func (c *Config) Profiles() []string {
	if c.Profile == "" {
		return []string{}
	}
	return []string{c.Profile}
}

// Properties returns what WriteYAML writes as a value for each key, written as a Spring
// application names it (token.rate-limit.models.gpt-4.max-tokens-per-minute,
// auth.api-keys[0].name): text, an int64, a float64 or a bool; "" for an empty list. It
// is safe for concurrent use.
func (c *Config) Properties() map[string]any {
	all := map[string]any{}
	properties(all, "", c.schema().encode())
	return all
}

func properties(all map[string]any, at string, n *node) {
	switch {
	case n.kind == mapKind:
		for _, e := range n.fields {
			properties(all, strings.TrimPrefix(at+"."+e.key, "."), e.value)
		}
	case n.kind == scalarKind:
		all[at] = plainValue(n.text)
	case len(n.items) == 0:
		all[at] = ""
	default:
		for i, item := range n.items {
			properties(all, at+"["+strconv.Itoa(i)+"]", item)
		}
	}
}

// plainValue returns what a scalar in YAML, as it is printed, stands for.
func plainValue(text string) any {
	if quoted, err := strconv.Unquote(text); err == nil {
		return unescape(quoted)
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	return unescape(text)
}
