package openai

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// readChoice reads one choice of a chunk or of a whole answer.
func readChoice(c *jsonscan.Cursor, sink textSink) (index int64, finished bool) {
	if !c.Enter('{') {
		return 0, false
	}
	for {
		name, ok := c.Member()
		if !ok {
			return index, finished
		}
		switch string(name) {
		case "index":
			index, _ = c.Count()
		case "text":
			sink.addString(c)
		case "delta", "message":
			addDelta(sink, c)
		case "finish_reason":
			finished = c.Peek() == '"'
			c.Skip()
		default:
			c.Skip()
		}
	}
}

// addDelta counts the text of a chat delta or message: content, reasoning,
// refusal and tool calls. Servers that renamed reasoning_content to reasoning
// send both for a while; it counts once.
func addDelta(k textSink, c *jsonscan.Cursor) {
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
		k.addString(&jsonscan.Cursor{Text: c.Text, At: reasoning.Start})
	}
}

// addToolCalls counts the names and arguments of tool calls.
func addToolCalls(k textSink, c *jsonscan.Cursor) {
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
				addFunction(k, c)
			} else {
				c.Skip()
			}
		}
	}
}

// addFunction counts the name and the arguments of a call.
func addFunction(k textSink, c *jsonscan.Cursor) {
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
