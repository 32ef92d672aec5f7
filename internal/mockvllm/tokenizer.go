package mockvllm

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// pieceBytesMax bounds a token's text, so that its bytes fit in an id below
// 2^48: every JSON parser keeps such a number exactly, and no vocabulary has
// to be stored to turn ids back into text.
const pieceBytesMax = 6

// CountTokens returns the number of tokens of text. The rule is simple enough
// to do by hand, and gives about four bytes per token for English and three
// for Korean:
//
//   - letters: up to 6 bytes of a word, digits: up to 3, each with the one
//     space before it;
//   - a Hangul syllable, Han character or kana, with the space before it;
//   - other white space: up to 6 bytes of a run;
//   - anything else: each character.
func CountTokens(text string) int64 {
	var n int64
	for text != "" {
		text = text[pieceBytes(text):]
		n++
	}
	return n
}

// Tokenize returns the token ids of text: the bytes of each piece, the first in the highest
// place. [Detokenize] is its inverse.
func Tokenize(text string) []int64 {
	ids := make([]int64, 0, len(text)/4+1)
	for text != "" {
		n := pieceBytes(text)
		var id int64
		for _, b := range []byte(text[:n]) {
			id = id<<8 | int64(b)
		}
		ids = append(ids, id)
		text = text[n:]
	}
	return ids
}

// Detokenize returns the text of ids. Ids that [Tokenize] never makes give
// whatever bytes they happen to hold.
func Detokenize(ids []int64) string {
	text := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		piece := binary.BigEndian.AppendUint64(nil, uint64(id)) // #nosec G115 -- byte by byte
		for len(piece) > 1 && piece[0] == 0 {
			piece = piece[1:]
		}
		text = append(text, piece...)
	}
	return string(text)
}

// class is a kind of character that the tokenizer tells apart.
type class uint8

const (
	other class = iota
	letter
	digit
	wide // a character that is a word of its own
	space
)

// asciiClass spares the common characters the Unicode tables.
var asciiClass = func() (classes [utf8.RuneSelf]class) {
	for c := range classes {
		classes[c] = unicodeClass(rune(c))
	}
	return classes
}()

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return asciiClass[r]
	}
	return unicodeClass(r)
}

func unicodeClass(r rune) class {
	switch {
	case unicode.In(r, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return wide
	case unicode.IsLetter(r), unicode.IsMark(r):
		return letter
	case unicode.IsDigit(r):
		return digit
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// pieceBytes returns the length of the first token of text, which is not empty.
func pieceBytes(text string) int {
	start := 0
	if text[0] == ' ' && len(text) > 1 && joins(text[1:]) {
		start = 1
	}
	r, size := utf8.DecodeRuneInString(text[start:])
	switch c := classOf(r); c {
	case letter:
		return run(text, start, c, pieceBytesMax)
	case digit:
		return run(text, start, c, start+3)
	case space:
		return spaces(text)
	default:
		return start + size
	}
}

// joins reports whether text starts with a character that takes the space
// before it along.
func joins(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	c := classOf(r)
	return c == letter || c == digit || c == wide
}

// run returns the end of the characters of class c from start, at most end.
func run(text string, start int, c class, end int) int {
	for start < len(text) {
		r, size := utf8.DecodeRuneInString(text[start:])
		if classOf(r) != c || start+size > end {
			break
		}
		start += size
	}
	return start
}

// spaces returns the length of the white space at the start of text, without
// a last space that the next token takes along.
func spaces(text string) int {
	end := run(text, 0, space, pieceBytesMax)
	if end > 1 && text[end-1] == ' ' && end < len(text) && joins(text[end:]) {
		end--
	}
	return end
}
