package openai

import (
	"encoding/binary"
	"math/bits"
)

// nestingMax is how deeply nested a value may be; model servers stay below ten.
const nestingMax = 128

// countMax bounds the numbers of tokens that are believed: every integer up to
// it is exact in the doubles of JavaScript and Lua, which see them later.
const countMax = 1<<53 - 1

// jsonCursor reads JSON text from left to right without building anything. Its
// grammar is RFC 8259's; it does not check that strings are UTF-8 and leaves
// duplicate names to its callers.
//
// An error is sticky: the cursor stands at the end of the text, every method
// then reports that there is nothing more, and bad is set. Methods that look at
// a value stand before it, white space apart, and after it when they return.
type jsonCursor struct {
	b     []byte
	i     int
	name  int // where the name begins that member returned last
	depth int
	first bool // an object or array has just been entered: no comma is due
	bad   bool
}

func (c *jsonCursor) fail() {
	c.i, c.bad = len(c.b), true
}

// peek skips white space and returns the byte after it, 0 at the end.
func (c *jsonCursor) peek() byte {
	for c.i < len(c.b) {
		b := c.b[c.i]
		if b > ' ' || !isSpace(b) {
			return b
		}
		c.i++
	}
	return 0
}

// enter steps into the object or array that begins with open. It reports false,
// and skips the value, where there is something else.
func (c *jsonCursor) enter(open byte) bool {
	if c.peek() != open {
		c.skip()
		return false
	}
	if c.depth++; c.depth > nestingMax {
		c.fail()
		return false
	}
	c.i++
	c.first = true
	return true
}

// more reports whether the object or array that ends with closing has another
// member, and steps out of it where it has none.
func (c *jsonCursor) more(closing byte) bool {
	b := c.peek()
	first := c.first
	c.first = false
	switch {
	case b == closing:
		c.i++
		c.depth--
		return false
	case first && b != 0:
		return true
	case !first && b == ',':
		c.i++
		return true
	}
	c.fail()
	return false
}

// element reports whether the array has another element, and stands before it.
func (c *jsonCursor) element() bool { return c.more(']') }

// member returns the name of the object's next member and stands before its
// value. The name is valid until the text changes.
func (c *jsonCursor) member() (name []byte, ok bool) {
	if !c.more('}') {
		return nil, false
	}
	if c.peek() != '"' {
		c.fail()
		return nil, false
	}
	c.name = c.i
	name, escaped := c.str()
	if c.peek() != ':' {
		c.fail()
		return nil, false
	}
	c.i++
	if escaped {
		name = appendUnescaped(nil, name)
	}
	return name, true
}

// skip passes over one value.
func (c *jsonCursor) skip() {
	switch b := c.peek(); {
	case b == '"':
		c.str()
	case b == '{':
		c.enter('{')
		for _, ok := c.member(); ok; _, ok = c.member() {
			c.skip()
		}
	case b == '[':
		c.enter('[')
		for c.element() {
			c.skip()
		}
	case b == '-' || isDigit(b):
		c.number()
	case b == 't':
		c.literal("true")
	case b == 'f':
		c.literal("false")
	case b == 'n':
		c.literal("null")
	default:
		c.fail()
	}
}

// value passes over one value and returns where it was.
func (c *jsonCursor) value() extent {
	c.peek()
	start := c.i
	c.skip()
	return extent{start, c.i}
}

// end reports whether only white space is left and nothing was wrong.
func (c *jsonCursor) end() bool { return c.peek() == 0 && c.i == len(c.b) && !c.bad }

func (c *jsonCursor) literal(s string) {
	if len(c.b)-c.i < len(s) || string(c.b[c.i:c.i+len(s)]) != s {
		c.fail()
		return
	}
	c.i += len(s)
}

// number passes over a number: it stands at its sign or first digit.
func (c *jsonCursor) number() {
	if c.b[c.i] == '-' {
		c.i++
	}
	if c.i < len(c.b) && c.b[c.i] == '0' {
		c.i++
	} else if !c.digits() {
		return
	}
	if c.i < len(c.b) && c.b[c.i] == '.' {
		c.i++
		if !c.digits() {
			return
		}
	}
	if c.i < len(c.b) && c.b[c.i]|0x20 == 'e' {
		c.i++
		if c.i < len(c.b) && (c.b[c.i] == '+' || c.b[c.i] == '-') {
			c.i++
		}
		c.digits()
	}
}

// digits passes over one digit or more; none is an error.
func (c *jsonCursor) digits() bool {
	start := c.i
	for c.i < len(c.b) && isDigit(c.b[c.i]) {
		c.i++
	}
	if c.i == start {
		c.fail()
		return false
	}
	return true
}

// str passes over the string whose opening quote the cursor stands at, and
// returns what is between the quotes, escapes as they are.
func (c *jsonCursor) str() (inner []byte, escaped bool) {
	start := c.i + 1
	for i := start; ; {
		i += plainLen(c.b[i:])
		switch {
		case i == len(c.b):
			c.fail()
			return nil, false
		case c.b[i] == '"':
			c.i = i + 1
			return c.b[start:i], escaped
		case c.b[i] == '\\':
			n := escapeLen(c.b[i:])
			if n == 0 {
				c.fail()
				return nil, false
			}
			escaped = true
			i += n
		default: // a control character
			c.fail()
			return nil, false
		}
	}
}

// plainLen returns how many bytes at the start of b can stand in a string as
// they are: up to a quote, a backslash or a control character. It looks at
// eight bytes at a time; the lowest flag of each of the three tests is exact.
func plainLen(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		flags := ((w - ones*0x20) &^ w) | ((quote - ones) &^ quote) | ((slash - ones) &^ slash)
		if flags &= highs; flags != 0 {
			return i + bits.TrailingZeros64(flags)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] < 0x20 || b[i] == '"' || b[i] == '\\' {
			break
		}
	}
	return i
}

// count reads a value that is a number of tokens: an integer from 0 to
// countMax. Anything else is skipped and is not ok.
func (c *jsonCursor) count() (n int64, ok bool) {
	v := c.value()
	digits := c.b[v.start:v.end]
	if c.bad || len(digits) > 16 {
		return 0, false
	}
	for _, d := range digits {
		if !isDigit(d) {
			return 0, false
		}
		n = 10*n + int64(d-'0')
	}
	if len(digits) == 0 || n > countMax {
		return 0, false
	}
	return n, true
}

// plainCount is count for a number that stands right here and consists of digits.
// What comes behind them is not looked at.
func (c *jsonCursor) plainCount() (n int64, ok bool) {
	const most = 16
	start := c.i
	for ; c.i < len(c.b) && isDigit(c.b[c.i]); c.i++ {
		n = 10*n + int64(c.b[c.i]-'0')
		if c.i-start == most {
			return 0, false
		}
	}
	length := c.i - start
	return n, length > 0 && n <= countMax && (length == 1 || c.b[start] != '0')
}

// isNull reports whether the value ahead is null; it does not pass over it.
func (c *jsonCursor) isNull() bool { return c.peek() == 'n' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }
