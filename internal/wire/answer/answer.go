package answer

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/openai"
)

// Answer is what the gateway must know of an answer that is one JSON object. The zero value is an
// answer that tells nothing.
type Answer struct {
	metering.Report
	model jsonscan.Extent // of the value of the member model, a string
}

// Read reads the body of an answer whose status is 200. A body that is not a JSON object, or has
// a member twice that matters here, is no error: the answer then tells nothing. It keeps nothing
// of body, and allocates only for a member's name that has an escape.
func Read(body []byte) Answer {
	var a Answer
	c := jsonscan.Cursor{Text: body}
	if c.Peek() != '{' || !a.read(&c) || !c.End() {
		return Answer{}
	}
	return a
}

// read reads the object ahead, and reports whether it has neither member twice.
func (a *Answer) read(c *jsonscan.Cursor) bool {
	var hasUsage, hasModel bool
	c.Open()
	for name, ok := c.Member(); ok; name, ok = c.Member() {
		switch string(name) {
		case "usage":
			if hasUsage {
				return false
			}
			hasUsage = true
			a.Report = metering.UsageAhead(c)
		case "model":
			if hasModel {
				return false
			}
			hasModel = true
			a.readModel(c)
		default:
			c.Skip()
		}
	}
	return true
}

// readModel takes the place of the model's name, if the value ahead is a string.
func (a *Answer) readModel(c *jsonscan.Cursor) {
	isString := c.Peek() == '"'
	if at := c.Value(); isString {
		a.model = at
	}
}

// IsWhole reports whether body is one JSON value, and not the beginning of one. It allocates
// nothing. Whether an answer has come to its end can be told by that where nothing else marks its
// end.
func IsWhole(body []byte) bool {
	c := jsonscan.Cursor{Text: body}
	if c.Peek() == 0 {
		return false
	}
	c.Skip()
	return c.End()
}

// Text counts the text that was generated in the body of an answer, for one that tells no usage:
// contents, reasoning, refusals, names and arguments of tool calls. Where body is no JSON object,
// or has a member twice that the gateway knows, it is the whole body; for endpoints that generate
// nothing it is empty. It allocates nothing.
func Text(e wire.Endpoint, body []byte) (text chars.Text) {
	var env event.Envelope
	if !env.Parse(body) {
		text.Add(body)
		return text
	}
	f := event.Fields
	switch e {
	case wire.ChatCompletions, wire.Completions:
		f = event.FieldChoices
	case wire.Responses:
		f = event.FieldOutput
	case wire.Messages:
		f = event.FieldContent
	}
	if f == event.Fields || !env.Values[f].IsSet() {
		return text
	}
	sink := metering.Sink{All: &text}
	c := jsonscan.Cursor{Text: env.Data, At: env.Values[f].Start}
	if f != event.FieldChoices {
		sink.AddContent(&c)
		return text
	}
	for in := c.Enter('['); in && c.Element(); {
		openai.ReadChoice(&c, sink)
	}
	return text
}

// AppendPieces appends to out body, which must be what the answer was read from, with the model's
// name replaced by publicModel: slices of body, and the name between them. An empty name, or a body
// without a model, changes nothing.
func (a *Answer) AppendPieces(out [][]byte, body []byte, publicModel string) [][]byte {
	if publicModel == "" || !a.model.IsSet() {
		return append(out, body)
	}
	name := wire.AppendQuoted(nil, publicModel)
	return append(out, body[:a.model.Start], name, body[a.model.End:])
}
