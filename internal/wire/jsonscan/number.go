package jsonscan

// CountMax bounds the numbers of tokens that are believed: every integer up to it is exact in the
// doubles of JavaScript and Lua, which see them later.
const CountMax = 1<<53 - 1

// NumberEnd returns the end of the number whose sign or first digit is b[i]; 0 if there is none.
func NumberEnd(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	start := i
	i = digitsEnd(b, start)
	if i == start || b[start] == '0' && i > start+1 {
		return 0
	}
	if byteAt(b, i) == '.' {
		start = i + 1
		if i = digitsEnd(b, start); i == start {
			return 0
		}
	}
	if byteAt(b, i)|0x20 == 'e' {
		return exponentEnd(b, i+1)
	}
	return i
}

// exponentEnd returns the end of the exponent that begins at b[i], perhaps with a sign; 0 if there
// is none.
func exponentEnd(b []byte, i int) int {
	if sign := byteAt(b, i); sign == '+' || sign == '-' {
		i++
	}
	if end := digitsEnd(b, i); end > i {
		return end
	}
	return 0
}

// digitsEnd returns the end of the digits that begin at b[i].
func digitsEnd(b []byte, i int) int {
	for uint(i) < uint(len(b)) /* #nosec G115 -- an index */ && IsDigit(b[i]) {
		i++
	}
	return i
}

// Count reads a value that is a number of tokens: an integer from 0 to CountMax. Anything else is
// skipped and is not ok.
func (c *Cursor) Count() (n int64, ok bool) {
	const most = 16 // digits
	c.Peek()
	start, end := c.At, digitsEnd(c.Text, c.At)
	next, digits := byteAt(c.Text, end), end-start
	if digits == 0 || digits > most || digits > 1 && c.Text[start] == '0' ||
		next == '.' || next|0x20 == 'e' {
		c.Skip()
		return 0, false
	}
	for _, d := range c.Text[start:end] {
		n = 10*n + int64(d-'0')
	}
	if c.At = end; n > CountMax {
		return 0, false
	}
	return n, true
}

// IsDigit reports whether b is a decimal digit.
func IsDigit(b byte) bool { return '0' <= b && b <= '9' }
