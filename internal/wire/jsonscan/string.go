package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Str passes over the string whose opening quote the cursor stands at, and returns what is
// between the quotes, escapes as they are.
func (c *Cursor) Str() (inner []byte, escaped bool) {
	start := c.At + 1
	end, escaped := c.stringEnd(start)
	if end == 0 {
		c.Fail()
		return nil, false
	}
	c.At = end
	return c.Text[start : end-1], escaped
}

// Decoded reads the string ahead and returns it as it is written, without its quotes, and
// decoded, which is the same bytes where it has no escapes.
func (c *Cursor) Decoded() (raw, inner []byte) {
	raw, escaped := c.Str()
	if !escaped {
		return raw, raw
	}
	return raw, AppendUnescaped(nil, raw)
}

// stringEnd returns the end of the string whose opening quote is before i, 0 if it is none, and
// whether it has escapes.
func (c *Cursor) stringEnd(i int) (end int, escaped bool) {
	i = PlainEnd(c.Text, i)
	if byteAt(c.Text, i) == '"' {
		return i + 1, false
	}
	return c.escapedEnd(i), true
}

// escapedEnd is stringEnd from the first escape on. If there is something else at i, which can
// only be a control character or the end of the text, there is no string.
func (c *Cursor) escapedEnd(i int) int {
	for byteAt(c.Text, i) == '\\' {
		n, lone := EscapeLen(c.Text[i:])
		if n == 0 {
			return 0
		}
		c.Lone = c.Lone || lone
		i = PlainEnd(c.Text, i+n)
		if byteAt(c.Text, i) == '"' {
			return i + 1
		}
	}
	return 0
}

// PlainEnd returns where the bytes end, from i on, that can stand in a string as they are: at a
// quote, a backslash, a control character or the end of b. It looks at eight at a time. With its
// second bit flipped a quote comes right behind the control characters, and no other does; the
// lowest flag of each of the two tests is exact. That i is not negative spares a check of each
// load.
func PlainEnd(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i = max(0, i); i <= len(b)-8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		control := (w ^ ones*('"'^' ')) - ones*(' '+1)
		if flags := (control | ((w ^ ones*'\\') - ones)) &^ w & highs; flags != 0 {
			return i + bits.TrailingZeros64(flags)/8
		}
	}
	for i < len(b) && isPlain[b[i]] {
		i++
	}
	return i
}

// isPlain has the bytes that can stand in a string as they are.
var isPlain = func() (plain [256]bool) {
	for b := range plain {
		plain[b] = b >= ' ' && b != '"' && b != '\\'
	}
	return plain
}()

// EscapeLen returns the length of the escape at the start of b, 0 if there is none, and whether it
// is half of a surrogate pair without the other half. Two escapes that are a pair are one.
func EscapeLen(b []byte) (n int, lone bool) {
	if len(b) < 2 {
		return 0, false
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, false
	case 'u':
		r := hex4(b)
		switch {
		case r < 0:
			return 0, false
		case !utf16.IsSurrogate(r):
			return 6, false
		case utf16.DecodeRune(r, hex4(b[6:])) == utf8.RuneError:
			return 6, true
		}
		return 12, false
	}
	return 0, false
}

// hex4 returns the code unit of the \u escape at the start of b, -1 if it is none.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, h := range b[2:6] {
		switch {
		case IsDigit(h):
			h -= '0'
		case 'a' <= h|0x20 && h|0x20 <= 'f':
			h = h | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(h)
	}
	return r
}

// AppendUnescaped appends a string's text: inner is what is between its quotes, and is valid. A
// half of a surrogate pair becomes U+FFFD.
func AppendUnescaped(dst, inner []byte) []byte {
	for len(inner) > 0 {
		n := bytes.IndexByte(inner, '\\')
		if n < 0 {
			return append(dst, inner...)
		}
		dst = append(dst, inner[:n]...)
		inner = inner[n:]
		r, size := DecodeEscape(inner)
		dst = utf8.AppendRune(dst, r)
		inner = inner[size:]
	}
	return dst
}

// DecodeEscape returns the character of the valid escape at the start of b, and the escape's
// length; two escapes that are a surrogate pair are one character.
func DecodeEscape(b []byte) (r rune, size int) {
	if i := strings.IndexByte("bfnrt", b[1]); i >= 0 {
		return rune("\b\f\n\r\t"[i]), 2
	}
	if b[1] != 'u' {
		return rune(b[1]), 2
	}
	if r = hex4(b); !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, hex4(b[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

// ByteSet returns the set of the bytes of a text.
func ByteSet(bytes string) (set [256]bool) {
	for i := range len(bytes) {
		set[bytes[i]] = true // #nosec G602 -- a byte is below 256
	}
	return set
}
