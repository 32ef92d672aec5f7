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

// answerMembers has, for each endpoint that generates, the member that has the text.
var answerMembers = [...]map[string]passageKind{
	wire.ChatCompletions: {"choices": passChoices},
	wire.Completions:     {"choices": passChoices},
	wire.Responses:       {"output": passContent},
	wire.Messages:        {"content": passContent},
}

// kindMembers has the members of the objects of a kind: those of a message and of a call as
// openai.ReadChoice reads them, those of a part as metering.Sink does.
var kindMembers = [passText + 1]map[string]passageKind{
	passChoice: {"text": passText, "delta": passDelta, "message": passDelta},
	passDelta: {
		"content": passContent, "refusal": passContent,
		"reasoning": passReasoning, "reasoning_content": passReasoning,
		"tool_calls": passCalls, "function_call": passFunction,
	},
	passCall:     {"function": passFunction},
	passFunction: {"name": passText, "arguments": passText},
	passPart: {
		"text": passText, "thinking": passText, "partial_json": passText, "refusal": passText,
		"name": passText, "arguments": passText,
		"content": passContent, "summary": passContent, "input": passInput,
	},
}

// kindElements has the elements of the arrays of a kind.
var kindElements = [passText + 1]passageKind{
	passChoices: passChoice, passCalls: passCall, passContent: passPart, passWritten: passWritten,
}

// member returns what the member of that name is in an object of the kind k.
func (k passageKind) member(e wire.Endpoint, name []byte) passageKind {
	switch {
	case k == passWritten:
		return k
	case k == passAnswer && int(e) < len(answerMembers):
		return answerMembers[e][string(name)]
	}
	return kindMembers[k][string(name)]
}

// within returns the kind of a value that turns out to be an object or an array, by the byte that
// begins it.
func (k passageKind) within(b byte) passageKind {
	isObject := b == '{'
	switch {
	case k == passInput && isObject:
		return passWritten
	case k == passWritten,
		isObject && (k == passAnswer || kindMembers[k] != nil),
		!isObject && kindElements[k] != passNoText:
		return k
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
