package mockvllm

import (
	"fmt"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// appendNamed appends the names of the tools that parts of v name.
func appendNamed(names []string, v jsontext.Value) []string {
	for _, e := range elements(v) {
		names = appendNamed(names, e)
	}
	var kind, tool string
	for name, value := range members(v) {
		names = appendNamed(names, value)
		switch {
		case value.Kind() != '"':
		case name == "type":
			kind = unquoted(value)
		case name == "name" || name == "tool_name":
			tool = unquoted(value)
		}
	}
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

// nameOf returns the name of a tool, of OpenAI's or Anthropic's form.
func nameOf(tool jsontext.Value) (name string) {
	for member, value := range members(tool) {
		switch {
		case member == "function" && value.Kind() == '{':
			name = nameOf(value)
		case member == "name" && value.Kind() == '"' && name == "":
			name = unquoted(value)
		}
	}
	return name
}

// asciiArguments counts what the arguments of the tool calls in v have more tokens where
// they are written with escapes for all that is not ASCII. So does vLLM with those of
// Anthropic's interface, and the models of OpenAI's see it.
func asciiArguments(v jsontext.Value) (tokens int64) {
	for _, e := range elements(v) {
		tokens += asciiArguments(e)
	}
	for name, value := range members(v) {
		switch name {
		case "input":
			tokens += max(0, CountTokens(asciiJSON(value))-printed(value))
		case "content":
			tokens += asciiArguments(value)
		}
	}
	return tokens
}

// asciiJSON returns v with escapes for all that is not ASCII.
func asciiJSON(v jsontext.Value) string {
	v = v.Clone()
	_ = v.Canonicalize() // it then has no escapes that it needs not
	var b []byte
	for _, unit := range utf16.Encode([]rune(string(v))) {
		if unit < 0x80 {
			b = append(b, byte(unit))
		} else {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return string(b)
}
