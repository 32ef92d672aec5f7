package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// ReadChoice reads one choice of a chunk or of a whole answer.
func ReadChoice(c *jsonscan.Cursor, sink metering.Sink) (index int64, finished bool) {
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "index":
			index, _ = c.Count()
		case "text":
			sink.AddString(c)
		case "delta", "message":
			addDelta(sink, c)
		case "finish_reason":
			finished = c.Peek() == '"'
			c.Skip()
		default:
			c.Skip()
		}
	}
	return index, finished
}

// addDelta counts the text of a chat delta or message: content, reasoning, refusal and tool calls.
// Servers that renamed reasoning_content to reasoning send both for a while; it counts once.
func addDelta(k metering.Sink, c *jsonscan.Cursor) {
	var reasoning, legacy jsonscan.Extent
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "content", "refusal":
			k.AddContent(c)
		case "reasoning":
			reasoning = c.Value()
		case "reasoning_content":
			legacy = c.Value()
		case "tool_calls":
			addToolCalls(k, c)
		case "function_call":
			addFunction(k, c)
		default:
			c.Skip()
		}
	}
	if raw := reasoning.Of(c.Text); len(raw) <= len(`""`) || raw[0] != '"' {
		reasoning = legacy
	}
	if reasoning.IsSet() {
		k.AddString(&jsonscan.Cursor{Text: c.Text, At: reasoning.Start})
	}
}

// addToolCalls counts the names and arguments of tool calls.
func addToolCalls(k metering.Sink, c *jsonscan.Cursor) {
	for in := c.Enter('['); in && c.Element(); {
		for name, ok := c.First(); ok; name, ok = c.Member() {
			if string(name) == "function" {
				addFunction(k, c)
			} else {
				c.Skip()
			}
		}
	}
}

// addFunction counts the name and the arguments of a call.
func addFunction(k metering.Sink, c *jsonscan.Cursor) {
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "name", "arguments":
			k.AddString(c)
		default:
			c.Skip()
		}
	}
}
