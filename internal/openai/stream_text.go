package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// textSink is where generated text is counted.
type textSink struct {
	all     *chars.Text // everything
	pending *chars.Text // what no usage covers yet; nil: covered
}

func (k textSink) add(s []byte) {
	k.all.Add(s)
	if k.pending != nil {
		k.pending.Add(s)
	}
}

// addString counts the text of a string value. Other values are skipped.
func (k textSink) addString(c *jsonscan.Cursor) {
	if c.Peek() != '"' {
		c.Skip()
		return
	}
	k.addInner(c.Str())
}

// addInner counts the text of a string: what is between its quotes, and whether
// that has escapes.
func (k textSink) addInner(inner []byte, escaped bool) {
	if !escaped {
		k.add(inner)
		return
	}
	k.all.AddJSON(inner)
	if k.pending != nil {
		k.pending.AddJSON(inner)
	}
}

// addDelta counts the text of a chat delta or message: content, reasoning,
// refusal and tool calls. Servers that renamed reasoning_content to reasoning
// send both for a while; it counts once.
func (k textSink) addDelta(c *jsonscan.Cursor) {
	if !c.Enter('{') {
		return
	}
	var reasoning, legacy jsonscan.Extent
	for {
		name, ok := c.Member()
		if !ok {
			break
		}
		switch string(name) {
		case "content", "refusal":
			k.addContent(c)
		case "reasoning":
			reasoning = c.Value()
		case "reasoning_content":
			legacy = c.Value()
		case "tool_calls":
			k.addToolCalls(c)
		case "function_call":
			k.addFunction(c)
		default:
			c.Skip()
		}
	}
	if raw := reasoning.Of(c.Text); len(raw) <= len(`""`) || raw[0] != '"' {
		reasoning = legacy
	}
	if reasoning.IsSet() {
		k.addString(&jsonscan.Cursor{Text: c.Text, At: reasoning.Start})
	}
}

// addContent counts a content: a string, or a list of parts with texts.
func (k textSink) addContent(c *jsonscan.Cursor) {
	if c.Peek() != '[' {
		k.addString(c)
		return
	}
	for c.Enter('['); c.Element(); {
		k.addPart(c)
	}
}

// addToolCalls counts the names and arguments of tool calls.
func (k textSink) addToolCalls(c *jsonscan.Cursor) {
	if !c.Enter('[') {
		return
	}
	for c.Element() {
		if !c.Enter('{') {
			continue
		}
		for {
			name, ok := c.Member()
			if !ok {
				break
			}
			if string(name) == "function" {
				k.addFunction(c)
			} else {
				c.Skip()
			}
		}
	}
}

// addFunction counts the name and the arguments of a call.
func (k textSink) addFunction(c *jsonscan.Cursor) {
	if !c.Enter('{') {
		return
	}
	for {
		name, ok := c.Member()
		if !ok {
			return
		}
		switch string(name) {
		case "name", "arguments":
			k.addString(c)
		default:
			c.Skip()
		}
	}
}

// addPart counts the generated text of a content block, part or output item of
// Messages and Responses, whatever its type: the members that carry text have
// the same names in all of them.
func (k textSink) addPart(c *jsonscan.Cursor) {
	if !c.Enter('{') {
		return
	}
	for {
		name, ok := c.Member()
		if !ok {
			return
		}
		switch string(name) {
		case "text", "thinking", "partial_json", "refusal", "name", "arguments":
			k.addString(c)
		case "content", "summary":
			k.addContent(c)
		case "input": // of a tool: an object that the model wrote as JSON
			k.addRaw(c)
		default:
			c.Skip()
		}
	}
}

// addRaw counts the JSON text of an object; an empty one is what a block begins
// with, before the model has written anything.
func (k textSink) addRaw(c *jsonscan.Cursor) {
	if raw := c.Value().Of(c.Text); len(raw) > len("{}") && raw[0] == '{' {
		k.add(raw)
	}
}
