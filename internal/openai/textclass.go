package openai

// asciiBit has, for an ASCII byte, the lowest bit of its class's byte in a
// word; asciiLast has 1 + its class. Both are 0 for other bytes.
var asciiBit, asciiLast = asciiTables()

func asciiTables() (bits [256]uint64, last [256]uint8) {
	for b := range 0x80 {
		c := asciiClass(byte(b))
		bits[b] = 1 << (8 * c)
		last[b] = uint8(c) + 1
	}
	return bits, last
}

func asciiClass(b byte) Class {
	switch {
	case b >= 'a' && b <= 'z':
		return Lower
	case b >= 'A' && b <= 'Z':
		return Upper
	case b >= '0' && b <= '9':
		return Digit
	case b == ' ' || b == '\t':
		return Space
	case b == '\n' || b == '\r':
		return Newline
	}
	return Punct
}

// wideClass returns the class of a character beyond ASCII by its first two
// bytes of UTF-8. The ranges are Unicode blocks, rounded to 64 characters.
func wideClass(lead, next byte) Class {
	switch {
	case lead >= 0xF0:
		return Astral
	case lead == 0xE3:
		return e3Class(next)
	case lead >= 0xE4 && lead <= 0xE9:
		return Han
	case lead == 0xEA && next >= 0xB0, lead == 0xEB, lead == 0xEC, lead == 0xED && next <= 0x9E:
		return Hangul
	case lead == 0xEF:
		return efClass(next)
	case lead == 0xC2 || lead == 0xE2:
		return Mark
	case lead < 0xE0:
		return Letter
	}
	return Other
}

// e3Class splits U+3000..U+3FFF: CJK punctuation, kana, Hangul compatibility
// letters (as in chat: "ㅋㅋ"), enclosed signs, and the first ideographs.
func e3Class(next byte) Class {
	switch {
	case next == 0x80:
		return Mark
	case next <= 0x83 || next == 0x87:
		return Kana
	case next <= 0x86:
		return Hangul
	case next < 0x90:
		return Mark
	}
	return Han
}

// efClass splits U+F000..U+FFFF: private use and presentation forms,
// compatibility ideographs, and full-width forms.
func efClass(next byte) Class {
	switch {
	case next >= 0xA4 && next <= 0xAB:
		return Han
	case next >= 0xB8:
		return Mark
	}
	return Other
}
