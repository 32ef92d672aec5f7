package request

import (
	"strings"

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
	if isNumbers(v.Of(p.Text)) {
		p.common.words += int64(v.Len())
		p.r.Beside += int64(v.Len())
		return
	}
	p.At = v.Start
	p.optional()
}

// isNumbers reports whether a value has numbers only, and names that are numbers.
func isNumbers(value []byte) bool {
	for i := 0; i < len(value); i++ {
		switch b := value[i]; {
		case jsonscan.IsDigit(b) || jsonscan.IsSpace(b):
		case strings.IndexByte("[]{},.-+", b) >= 0:
		case (b == 'e' || b == 'E') && i > 0 && jsonscan.IsDigit(value[i-1]): // a power
		case b == '"':
			if i = numberName(value, i); i == len(value) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// numberName returns where the colon is behind the name that begins at i, if that is a number;
// the value's length if it is none.
func numberName(value []byte, i int) int {
	end := i + 1
	for end < len(value) && jsonscan.IsDigit(value[end]) {
		end++
	}
	if end == i+1 || end == len(value) || value[end] != '"' {
		return len(value)
	}
	for end++; end < len(value) && jsonscan.IsSpace(value[end]); end++ {
	}
	if end < len(value) && value[end] == ':' {
		return end
	}
	return len(value)
}
