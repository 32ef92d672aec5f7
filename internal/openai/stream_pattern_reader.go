package openai

// patternReader finds the parts of an ordinary chunk, in the order of their
// places in its data. What is not ordinary it refuses: see [eventPattern].
type patternReader struct {
	c     jsonCursor
	parts [5]patternPart
	n     int
	found [partKinds]bool
}

// part takes the value ahead as a part. There is one of each kind.
func (r *patternReader) part(kind partKind) bool {
	ordinary := r.c.peek() == '"'
	start := r.c.i
	if kind == textPart {
		r.c.skip()
	} else {
		_, ordinary = r.c.count()
	}
	if !ordinary || r.found[kind] || r.n > 0 && start < r.parts[r.n-1].at.end {
		return false
	}
	r.found[kind] = true
	r.parts[r.n] = patternPart{kind, extent{start, r.c.i}}
	r.n++
	return true
}

// absent passes over a value that must say nothing.
func (r *patternReader) absent() bool {
	raw := r.c.value().of(r.c.b)
	return string(raw) == "null" || string(raw) == "[]"
}

// text takes a text, or passes over null in its place.
func (r *patternReader) text() bool {
	if r.c.isNull() {
		return r.absent()
	}
	return r.part(textPart)
}

// choices reads the list of choices.
func (r *patternReader) choices() bool {
	return r.c.enter('[') && r.c.element() && r.choice() && !r.c.element() && r.found[textPart]
}

// choice reads the only choice.
func (r *patternReader) choice() bool {
	return r.members(func(name []byte) bool {
		switch string(name) {
		case "index":
			return r.part(indexPart)
		case "text":
			return r.text()
		case "delta":
			return r.delta()
		case "message":
			return false
		case "finish_reason":
			return r.absent()
		}
		r.c.skip()
		return true
	})
}

func (r *patternReader) delta() bool {
	return r.members(func(name []byte) bool {
		switch string(name) {
		case "content", "reasoning", "reasoning_content", "refusal":
			return r.text()
		case "tool_calls", "function_call":
			return r.absent()
		}
		r.c.skip()
		return true
	})
}

// usage reads the usage, which must tell both input and output.
func (r *patternReader) usage() bool {
	return r.members(func(name []byte) bool {
		switch string(name) {
		case "prompt_tokens":
			return r.part(inputPart)
		case "completion_tokens":
			return r.part(outputPart)
		case "total_tokens":
			return r.part(totalPart)
		case "input_tokens", "output_tokens", "input_tokens_details", "cache_read_input_tokens", "cache_creation_input_tokens":
			return false
		}
		r.c.skip()
		return true
	}) && r.found[inputPart] && r.found[outputPart]
}

// members reads the members of the object ahead, each by read, until that
// refuses one.
func (r *patternReader) members(read func(name []byte) bool) bool {
	if !r.c.enter('{') {
		return false
	}
	for {
		name, ok := r.c.member()
		if !ok {
			return !r.c.bad
		}
		if !read(name) {
			return false
		}
	}
}
