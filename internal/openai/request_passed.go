package openai

// freeBytesMax is how many bytes of members that no prompt has are taken without counting
// them as input. Nothing shows that a template cannot see more of them than the table says.
const freeBytesMax = 1024

// passed reads a member that neither reaches a prompt nor changes cost. Beyond what
// ordinary requests have in such members, it counts as input.
func (p *parse) passed() {
	v := p.value()
	if p.free += v.len(); p.free > freeBytesMax && !p.bad {
		p.i = v.start
		p.optional()
	}
}

// numbers reads a member that consists of the ids of tokens, of which there may be
// thousands. One that has anything else is like others.
func (p *parse) numbers() {
	v := p.value()
	if !p.bad && !isNumbers(v.of(p.b)) {
		p.i = v.start
		p.passed()
	}
}

// isNumbers reports whether a value has numbers only, and names that are numbers.
func isNumbers(value []byte) bool {
	for i, b := range value {
		switch {
		case isDigit(b) || isSpace(b):
		case b == '[' || b == ']' || b == '{' || b == '}' || b == ',' || b == ':' || b == '"' || b == '.' || b == '-' || b == '+':
		case (b == 'e' || b == 'E') && i > 0 && isDigit(value[i-1]): // a power
		default:
			return false
		}
	}
	return true
}
