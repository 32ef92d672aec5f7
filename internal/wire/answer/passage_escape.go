package answer

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// escapeMax is how long an escape can be: both halves of a surrogate pair.
const escapeMax = 12

// addString counts the next part of a string. An escape that it may end in is held until
// the rest of it has come.
func (p *Passage) addString(part []byte) {
	if len(p.held) == 0 && bytes.IndexByte(part, '\\') < 0 {
		p.count(part)
		return
	}
	if len(p.held) > 0 {
		part = append(p.held, part...)
	}
	n := wholeEscapes(part)
	p.text.AddJSON(part[:n])
	p.held = append(p.cut[:0], part[n:]...)
}

// flush counts what is held at the end of a string: half of a pair, or no escape.
func (p *Passage) flush() {
	p.count(p.held)
	p.held = p.held[:0]
}

// wholeEscapes returns where the escapes of a part of a string end: before one that may be
// cut off. What is no escape is as long as what it seems to be.
func wholeEscapes(part []byte) int {
	for i := 0; ; {
		next := bytes.IndexByte(part[i:], '\\')
		if next < 0 {
			return len(part)
		}
		i += next
		n, lone := jsonscan.EscapeLen(part[i:])
		switch {
		case (n == 0 || lone) && len(part)-i < escapeMax:
			return i
		case n == 0 && part[i+1] == 'u':
			n = len(`\u0000`)
		case n == 0:
			n = len(`\n`)
		}
		i += n
	}
}
