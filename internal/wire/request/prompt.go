package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

const promptsWanted = "a text, a list of texts, a list of token ids or a list of such lists"

// prompts reads the named member: one prompt as a text or as token ids, or a list of such
// prompts. For embeddings it may also be a list of messages, or a list of such lists.
func (p *parse) prompts(name string) {
	switch p.Peek() {
	case '"':
		p.r.Prompts++
		p.text(&p.in.Text)
	case '[':
		p.promptList(name)
	case 'n':
		p.Skip()
	default:
		p.rejectInput(name, promptsWanted)
	}
}

// promptList reads a list whose first element says what all must be: '"' texts, '[' prompts, '{'
// messages of one prompt, '0' token ids of one prompt.
func (p *parse) promptList(name string) {
	p.Enter('[')
	var first byte
	for p.Element() {
		if p.err != nil {
			p.Skip()
			continue
		}
		kind := p.elementKind()
		if first == 0 {
			first = kind
			p.r.Prompts++
		} else if kind == '"' || kind == '[' {
			p.r.Prompts++
		}
		if !p.promptElement(kind) || kind != first {
			p.reject(failure.InvalidRequest(name,
				"%s must be %s, and not a mixture", name, promptsWanted))
		}
	}
}

// promptElement reads an element of a list of prompts, and reports whether it can be one.
func (p *parse) promptElement(kind byte) bool {
	switch kind {
	case '"':
		p.text(&p.in.Text)
	case '0':
		return p.tokenID()
	case '[':
		return p.nestedPrompt()
	case '{':
		p.in.Messages++
		p.message()
	default:
		p.Skip()
		return false
	}
	return true
}

// nestedPrompt reads a prompt given as a list, and reports whether it consists of token ids or of
// messages.
func (p *parse) nestedPrompt() bool {
	ok := true
	p.Enter('[')
	for p.Element() {
		kind := p.elementKind()
		if kind == '"' || kind == '[' {
			kind = 0 // not in it
		}
		ok = p.promptElement(kind) && ok
	}
	return ok
}

// elementKind returns the first byte of the value ahead, '0' for every number, 0 for what no
// prompt consists of.
func (p *parse) elementKind() byte {
	switch b := p.Peek(); {
	case b == '"' || b == '[' || b == '{':
		return b
	case b == '-' || jsonscan.IsDigit(b):
		return '0'
	}
	return 0
}

// tokenID reads a number, and reports whether it is a token id.
func (p *parse) tokenID() bool {
	p.in.TokenIDs++
	return isDigits(p.Raw())
}
