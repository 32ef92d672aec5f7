package openai

// addDelta counts the text of a chat delta or message: content, reasoning,
// refusal and tool calls. Servers that renamed reasoning_content to reasoning
// send both for a while; it counts once.
func (k textSink) addDelta(c *jsonCursor) {
	if !c.enter('{') {
		return
	}
	var reasoning, legacy extent
	for {
		name, ok := c.member()
		if !ok {
			break
		}
		switch string(name) {
		case "content", "refusal":
			k.addContent(c)
		case "reasoning":
			reasoning = c.value()
		case "reasoning_content":
			legacy = c.value()
		case "tool_calls":
			k.addToolCalls(c)
		case "function_call":
			k.addFunction(c)
		default:
			c.skip()
		}
	}
	if raw := reasoning.of(c.b); len(raw) <= len(`""`) || raw[0] != '"' {
		reasoning = legacy
	}
	if reasoning.isSet() {
		k.addString(&jsonCursor{b: c.b, i: reasoning.start})
	}
}

// addContent counts a content: a string, or a list of parts with texts.
func (k textSink) addContent(c *jsonCursor) {
	if c.peek() != '[' {
		k.addString(c)
		return
	}
	for c.enter('['); c.element(); {
		k.addPart(c)
	}
}

// addToolCalls counts the names and arguments of tool calls.
func (k textSink) addToolCalls(c *jsonCursor) {
	if !c.enter('[') {
		return
	}
	for c.element() {
		if !c.enter('{') {
			continue
		}
		for {
			name, ok := c.member()
			if !ok {
				break
			}
			if string(name) == "function" {
				k.addFunction(c)
			} else {
				c.skip()
			}
		}
	}
}

// addFunction counts the name and the arguments of a call.
func (k textSink) addFunction(c *jsonCursor) {
	if !c.enter('{') {
		return
	}
	for {
		name, ok := c.member()
		if !ok {
			return
		}
		switch string(name) {
		case "name", "arguments":
			k.addString(c)
		default:
			c.skip()
		}
	}
}

// addPart counts the generated text of a content block, part or output item of
// Messages and Responses, whatever its type: the members that carry text have
// the same names in all of them.
func (k textSink) addPart(c *jsonCursor) {
	if !c.enter('{') {
		return
	}
	for {
		name, ok := c.member()
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
			c.skip()
		}
	}
}

// addRaw counts the JSON text of an object; an empty one is what a block begins
// with, before the model has written anything.
func (k textSink) addRaw(c *jsonCursor) {
	if raw := c.value().of(c.b); len(raw) > len("{}") && raw[0] == '{' {
		k.add(raw)
	}
}
