package mockvllm

import (
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

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

// asciiArguments counts what the arguments of the tool calls in v have more tokens where
// they are written with escapes for all that is not ASCII. So does vLLM with those of
// Anthropic's interface, and the models of OpenAI's see it.
func asciiArguments(v jsontext.Value) (tokens int64) {
	for _, e := range elements(v) {
		tokens += asciiArguments(e)
	}
	if v.Kind() != '{' {
		return tokens
	}
	_ = eachMember(v, func(name string, value jsontext.Value) {
		switch name {
		case "input":
			tokens += max(0, CountTokens(asciiJSON(value))-printed(value))
		case "content":
			tokens += asciiArguments(value)
		}
	})
	return tokens
}

// asciiJSON returns v with escapes for all that is not ASCII.
func asciiJSON(v jsontext.Value) string {
	const digits = "0123456789abcdef"
	v = v.Clone()
	_ = v.Canonicalize() // v is valid, and then has no escapes that it needs not
	var b []byte
	for _, unit := range utf16.Encode([]rune(string(v))) {
		if unit < 0x80 {
			b = append(b, byte(unit))
			continue
		}
		b = append(b, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
	}
	return string(b)
}
