package request

import (
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// freeBytesMax is how many bytes of members that no prompt has are taken without counting them as
// input. Nothing shows that a template cannot see more of them than the table says.
const freeBytesMax = 1024

// passed reads a member that neither reaches a prompt nor changes cost. Where a request has more
// bytes of such members than usual, they count as input.
func (p *parse) passed() {
	v := p.Value()
	if p.free += v.Len(); p.free > freeBytesMax && !p.Bad {
		p.At = v.Start
		p.optional()
	}
}

// numbers reads a member of ids of tokens, of which there may be thousands. Those beyond the usual
// are in the bound of the input, but not in its ordinary price. A member with anything else in it
// is like others.
func (p *parse) numbers() {
	v := p.Value()
	if p.free += v.Len(); p.free <= freeBytesMax || p.Bad {
		return
	}
	if isNumbers(&jsonscan.Cursor{Text: p.Text[:v.End], At: v.Start}) {
		p.common.Words += int64(v.Len())
		p.r.Beside += int64(v.Len())
		return
	}
	p.At = v.Start
	p.optional()
}

// isNumbers reports whether the value ahead, which is valid, has numbers only, and names that are
// numbers.
func isNumbers(c *jsonscan.Cursor) bool {
	switch c.Peek() {
	case '[':
		for c.Open(); c.Element(); {
			if !isNumbers(c) {
				return false
			}
		}
	case '{':
		for _, ok := c.First(); ok; _, ok = c.Member() {
			if !isDigits(c.Text[c.Name.Start+1:c.Name.End-1]) || !isNumbers(c) {
				return false
			}
		}
	default:
		b := c.Raw()[0]
		return b == '-' || jsonscan.IsDigit(b)
	}
	return true
}

// isDigits reports whether b is decimal digits, at least one.
func isDigits(b []byte) bool {
	return len(b) > 0 && !slices.ContainsFunc(b, func(d byte) bool { return !jsonscan.IsDigit(d) })
}
