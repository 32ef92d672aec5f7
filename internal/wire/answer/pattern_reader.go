package answer

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// patternReader finds the parts of an ordinary chunk, in the order of their
// places in its data. What is not ordinary it refuses: see [pattern].
type patternReader struct {
	c     jsonscan.Cursor
	parts [5]piece
	n     int
	found [pieceKinds]bool
}

// part takes the value ahead as a part. There is one of each kind.
func (r *patternReader) part(kind pieceKind) bool {
	ordinary := r.c.Peek() == '"'
	start := r.c.At
	if kind == textPiece {
		r.c.Skip()
	} else {
		_, ordinary = r.c.Count()
	}
	if !ordinary || r.found[kind] || r.n > 0 && start < r.parts[r.n-1].at.End {
		return false
	}
	r.found[kind] = true
	r.parts[r.n] = piece{kind, jsonscan.Extent{Start: start, End: r.c.At}}
	r.n++
	return true
}

// absent passes over a value that must say nothing.
func (r *patternReader) absent() bool {
	raw := r.c.Value().Of(r.c.Text)
	return string(raw) == "null" || string(raw) == "[]"
}

// text takes a text, or passes over null in its place.
func (r *patternReader) text() bool {
	if r.c.IsNull() {
		return r.absent()
	}
	return r.part(textPiece)
}

// choices reads the list of choices.
func (r *patternReader) choices() bool {
	return r.c.Enter('[') && r.c.Element() && r.choice() && !r.c.Element() && r.found[textPiece]
}

// choice reads the only choice.
func (r *patternReader) choice() bool {
	return r.members(func(name []byte) bool {
		switch string(name) {
		case "index":
			return r.part(indexPiece)
		case "text":
			return r.text()
		case "delta":
			return r.delta()
		case "message":
			return false
		case "finish_reason":
			return r.absent()
		}
		r.c.Skip()
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
		r.c.Skip()
		return true
	})
}

// usage reads the usage, which must tell both input and output.
func (r *patternReader) usage() bool {
	return r.members(func(name []byte) bool {
		switch string(name) {
		case "prompt_tokens":
			return r.part(inputPiece)
		case "completion_tokens":
			return r.part(outputPiece)
		case "total_tokens":
			return r.part(totalPiece)
		case "input_tokens", "output_tokens", "input_tokens_details",
			"cache_read_input_tokens", "cache_creation_input_tokens":
			return false
		}
		r.c.Skip()
		return true
	}) && r.found[inputPiece] && r.found[outputPiece]
}

// members reads the members of the object ahead, each by read, until that refuses one.
func (r *patternReader) members(read func(name []byte) bool) bool {
	if r.c.Peek() != '{' {
		return false
	}
	for name, ok := r.c.First(); ok; name, ok = r.c.Member() {
		if !read(name) {
			return false
		}
	}
	return !r.c.Bad
}
