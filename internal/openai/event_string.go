package openai

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escapeLen returns the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(b) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 returns the code unit of the \u escape at the start of b, -1 if it is none.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, h := range b[2:6] {
		switch {
		case isDigit(h):
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

// appendUnescaped appends a string's text: inner is what is between its quotes,
// and is valid. A half of a surrogate pair becomes U+FFFD.
func appendUnescaped(dst, inner []byte) []byte {
	for len(inner) > 0 {
		n := plainLen(inner)
		dst = append(dst, inner[:n]...)
		if inner = inner[n:]; len(inner) < 2 {
			break
		}
		r, size := decodeEscape(inner)
		dst = utf8.AppendRune(dst, r)
		inner = inner[size:]
	}
	return dst
}

// decodeEscape returns the character of the valid escape at the start of b, and the
// escape's length; two escapes that are a surrogate pair are one character.
func decodeEscape(b []byte) (r rune, size int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = hex4(b)
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if pair := utf16.DecodeRune(r, hex4(b[6:])); pair != utf8.RuneError {
			return pair, 12
		}
		return utf8.RuneError, 6
	}
	return rune(b[1]), 2
}

// textSink is where generated text is counted.
type textSink struct {
	all     *Text // everything
	pending *Text // what no usage covers yet; nil: covered
}

func (k textSink) add(s []byte) {
	k.all.Add(s)
	if k.pending != nil {
		k.pending.Add(s)
	}
}

// addString counts the text of a string value. Other values are skipped.
func (k textSink) addString(c *jsonCursor) {
	if c.peek() != '"' {
		c.skip()
		return
	}
	k.addInner(c.str())
}

// addInner counts the text of a string: what is between its quotes, and whether
// that has escapes.
func (k textSink) addInner(inner []byte, escaped bool) {
	if !escaped {
		k.add(inner)
		return
	}
	addJSONText(k.all, inner)
	if k.pending != nil {
		addJSONText(k.pending, inner)
	}
}
