package metering

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Sink is where generated text is counted. It is made by [Meter.Sink], or has All only.
type Sink struct {
	All     *chars.Text // everything
	pending *chars.Text // what no usage covers yet; nil: covered
}

// Add counts text that is no JSON.
func (k Sink) Add(s []byte) {
	k.All.Add(s)
	if k.pending != nil {
		k.pending.Add(s)
	}
}

// AddString counts the text of a string value. Other values are skipped.
func (k Sink) AddString(c *jsonscan.Cursor) {
	if c.Peek() != '"' {
		c.Skip()
		return
	}
	k.AddInner(c.Str())
}

// AddInner counts the text of a string by what is between its quotes.
func (k Sink) AddInner(inner []byte, escaped bool) {
	if !escaped {
		k.Add(inner)
		return
	}
	k.All.AddJSON(inner)
	if k.pending != nil {
		k.pending.AddJSON(inner)
	}
}

// AddContent counts a content: a string, or a list of parts with texts.
func (k Sink) AddContent(c *jsonscan.Cursor) {
	if c.Peek() != '[' {
		k.AddString(c)
		return
	}
	for c.Enter('['); c.Element(); {
		k.addPart(c)
	}
}

// addPart counts the generated text of a content block, part or output item of Messages and
// Responses, whatever its type: the members that carry text have the same names in all of them.
func (k Sink) addPart(c *jsonscan.Cursor) {
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "text", "thinking", "partial_json", "refusal", "name", "arguments":
			k.AddString(c)
		case "content", "summary":
			k.AddContent(c)
		case "input": // of a tool: an object that the model wrote as JSON
			k.addRaw(c)
		default:
			c.Skip()
		}
	}
}

// addRaw counts the JSON text of an object; an empty one is what a block begins with, before the
// model has written anything.
func (k Sink) addRaw(c *jsonscan.Cursor) {
	if raw := c.Value().Of(c.Text); len(raw) > len("{}") && raw[0] == '{' {
		k.Add(raw)
	}
}

// AddPartAt counts the text of a member that is a content block, or a piece of one.
func (k Sink) AddPartAt(env *event.Envelope, f event.Member) {
	c := env.At(f)
	k.addPart(&c)
}
