package mockvllm

import "github.com/go-json-experiment/json/jsontext"

// appendNamed appends the names of the tools that parts of v name.
func appendNamed(names []string, v jsontext.Value) []string {
	for _, e := range elements(v) {
		names = appendNamed(names, e)
	}
	if v.Kind() != '{' {
		return names
	}
	var kind, tool string
	_ = eachMember(v, func(name string, value jsontext.Value) {
		names = appendNamed(names, value)
		switch {
		case value.Kind() != '"':
		case name == "type":
			kind = unquoted(value)
		case name == "name" || name == "tool_name":
			tool = unquoted(value)
		}
	})
	if kind == "tool_reference" {
		names = append(names, tool)
	}
	return names
}

// printedAgain counts the tokens of tools where parts name them, as often as they do: the
// templates of GLM show all tools of that name in the place of such a part.
func printedAgain(tools []jsontext.Value, named []string) (tokens int64) {
	byName := map[string]int64{}
	for _, t := range tools {
		byName[nameOf(t)] += printed(t)
	}
	for _, name := range named {
		tokens += byName[name]
	}
	return tokens
}

// nameOf returns the name of a tool.
func nameOf(tool jsontext.Value) (name string) {
	if tool.Kind() != '{' {
		return ""
	}
	_ = eachMember(tool, func(member string, value jsontext.Value) {
		switch {
		case member == "function" && value.Kind() == '{':
			name = nameOf(value)
		case member == "name" && value.Kind() == '"' && name == "":
			name = unquoted(value)
		}
	})
	return name
}

// unquoted returns the text of a string.
func unquoted(v jsontext.Value) string {
	text, _ := jsontext.AppendUnquote(nil, v) // v is valid
	return string(text)
}
