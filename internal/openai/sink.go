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
	inner, escaped := c.Str()
	if !escaped {
		k.add(inner)
		return
	}
	k.all.AddJSON(inner)
	if k.pending != nil {
		k.pending.AddJSON(inner)
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

// addPartAt counts the text of a member that is a content block, or a piece of
// one.
func (k textSink) addPartAt(env *envelope, f field) {
	if v := env.values[f]; v.IsSet() {
		k.addPart(&jsonscan.Cursor{Text: env.data, At: v.Start})
	}
}
