package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// passageKind is what a value is to the text that was generated: the same as [Text] finds in the
// same place. The zero value has no text.
type passageKind uint8

const (
	passNoText    passageKind = iota
	passAnswer                // the whole object
	passChoices               // a list of choices
	passChoice                // one of them
	passDelta                 // its message
	passCalls                 // a list of tool calls
	passCall                  // one of them
	passFunction              // its name and arguments
	passContent               // a string, or a list of parts
	passPart                  // one of them
	passInput                 // of a tool: an object that the model wrote
	passWritten               // anything in it
	passReasoning             // a string, perhaps under two names
	passText                  // a string
)

// member returns what the member of that name is in an object of the kind k.
func (k passageKind) member(e wire.Endpoint, name []byte) passageKind {
	switch k {
	case passAnswer:
		return answerMember(e, name)
	case passChoice:
		switch string(name) {
		case "text":
			return passText
		case "delta", "message":
			return passDelta
		}
	case passDelta:
		return deltaMember(name)
	case passCall:
		if string(name) == "function" {
			return passFunction
		}
	case passFunction:
		switch string(name) {
		case "name", "arguments":
			return passText
		}
	case passPart:
		return partMember(name)
	case passWritten:
		return passWritten
	}
	return passNoText
}

// answerMember is member for the whole object, in which one member has the text.
func answerMember(e wire.Endpoint, name []byte) passageKind {
	switch {
	case (e == wire.ChatCompletions || e == wire.Completions) && string(name) == "choices":
		return passChoices
	case e == wire.Responses && string(name) == "output",
		e == wire.Messages && string(name) == "content":
		return passContent
	}
	return passNoText
}

// deltaMember is member for a message, as addDelta reads it.
func deltaMember(name []byte) passageKind {
	switch string(name) {
	case "content", "refusal":
		return passContent
	case "reasoning", "reasoning_content":
		return passReasoning
	case "tool_calls":
		return passCalls
	case "function_call":
		return passFunction
	}
	return passNoText
}

// partMember is member for a part, as addPart reads it.
func partMember(name []byte) passageKind {
	switch string(name) {
	case "text", "thinking", "partial_json", "refusal", "name", "arguments":
		return passText
	case "content", "summary":
		return passContent
	case "input":
		return passInput
	}
	return passNoText
}

// within returns the kind of a value that turns out to be an object or an array, by the byte that
// begins it.
func (k passageKind) within(b byte) passageKind {
	object := b == '{'
	switch k {
	case passInput:
		if object {
			return passWritten
		}
	case passWritten:
		return k
	case passChoices, passCalls, passContent:
		if !object {
			return k
		}
	case passAnswer, passChoice, passDelta, passCall, passFunction, passPart:
		if object {
			return k
		}
	}
	return passNoText
}

// element returns what the elements of an array of the kind k are.
func (k passageKind) element() passageKind {
	switch k {
	case passChoices:
		return passChoice
	case passCalls:
		return passCall
	case passContent:
		return passPart
	case passWritten:
		return passWritten
	}
	return passNoText
}

// isText reports whether a string of the kind k was generated.
func (k passageKind) isText() bool {
	return k == passText || k == passContent || k == passReasoning || k == passWritten
}

// escapeMax is how long an escape can be: both halves of a surrogate pair.
const escapeMax = 12

// addString counts the next piece of a string. An escape that it may end in is held until the rest
// of it has come.
func (p *Passage) addString(piece []byte) {
	if len(p.held) == 0 && bytes.IndexByte(piece, '\\') < 0 {
		p.count(piece)
		return
	}
	if len(p.held) > 0 {
		piece = append(p.held, piece...)
	}
	n := wholeEscapes(piece)
	p.text.AddJSON(piece[:n])
	p.held = append(p.cut[:0], piece[n:]...)
}

// flush counts what is held at the end of a string: half of a pair, or no escape.
func (p *Passage) flush() {
	p.count(p.held)
	p.held = p.held[:0]
}

// wholeEscapes returns where the whole escapes of a piece of a string end: before one that may be
// cut off. A backslash that begins no escape counts as long as the escape it looks like.
func wholeEscapes(piece []byte) int {
	for i := 0; ; {
		next := bytes.IndexByte(piece[i:], '\\')
		if next < 0 {
			return len(piece)
		}
		i += next
		n, lone := jsonscan.EscapeLen(piece[i:])
		switch {
		case (n == 0 || lone) && len(piece)-i < escapeMax:
			return i
		case n == 0 && piece[i+1] == 'u':
			n = len(`\u0000`)
		case n == 0:
			n = len(`\n`)
		}
		i += n
	}
}
