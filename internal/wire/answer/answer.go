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
	if !a.read(&c) || !c.End() {
		return Answer{}
	}
	return a
}

// read reads the object ahead, and reports whether it has neither member twice.
func (a *Answer) read(c *jsonscan.Cursor) bool {
	var usages, models int
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "usage":
			usages++
			a.Report = metering.UsageAhead(c)
		case "model":
			models++
			isString := c.Peek() == '"'
			if at := c.Value(); isString {
				a.model = at
			}
		default:
			c.Skip()
		}
	}
	return usages <= 1 && models <= 1
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
	sink := metering.Sink{All: &text}
	if !env.Parse(body) {
		text.Add(body)
		return text
	}
	switch e {
	case wire.ChatCompletions, wire.Completions:
		c := env.At(event.MemberChoices)
		for in := c.Enter('['); in && c.Element(); {
			openai.ReadChoice(&c, sink)
		}
	case wire.Responses:
		c := env.At(event.MemberOutput)
		sink.AddContent(&c)
	case wire.Messages:
		c := env.At(event.MemberContent)
		sink.AddContent(&c)
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
