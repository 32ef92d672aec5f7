package chars

// asciiBit has, for an ASCII byte, the lowest bit of its class's byte in a word, and that of the
// byte behind the classes for markup; asciiLast has 1 + its class. Both are 0 for other bytes.
var asciiBit, asciiLast = asciiTables()

func asciiTables() (bits [256]uint64, last [256]uint8) {
	for b := range 0x80 {
		c := asciiClass(byte(b))
		bits[b] = 1 << (8 * c) // #nosec G602 -- b is below 0x80
		if isMarkup(byte(b)) {
			bits[b] |= 1 << (8 * asciiClasses)
		}
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

// wideSize returns the bytes of a character by the first of them, which is not ASCII. A byte that
// begins no character stands for itself.
func wideSize(lead byte) int {
	switch {
	case lead >= 0xF0:
		return 4
	case lead >= 0xE0:
		return 3
	case lead >= 0xC0:
		return 2
	}
	return 1
}

// wideClass returns the class of a character beyond ASCII, in UTF-8. The ranges are Unicode
// blocks, rounded to 64 characters.
func wideClass(char []byte) Class {
	switch len(char) {
	case 4:
		return Astral
	case 3:
		return threeByteClass(char)
	case 2:
		if char[0] == 0xC2 {
			return Mark
		}
		return Letter
	}
	return Other
}

func threeByteClass(char []byte) Class {
	lead, next := char[0], char[1]
	switch {
	case lead == 0xEB || lead == 0xEC, lead == 0xEA && next >= 0xB0, lead == 0xED && next <= 0x9E:
		return Hangul
	case lead >= 0xE4 && lead <= 0xE9:
		return hanClass(char)
	case lead == 0xE3:
		return e3Class(next)
	case lead == 0xE2:
		return Mark
	case lead == 0xEF:
		return efClass(next)
	}
	return Other
}

// particles are Chinese characters that are mostly a word by themselves: pronouns, prepositions,
// auxiliaries, final particles; simplified and traditional. Vocabularies join other characters to
// words, but these seldom.
const particles = "的了是我你您他她它们們在不没沒有也都就还還很这這" +
	"那哪个個把被和与與着著过過吗嗎呢吧啊呀哦嘛地得上下里裡去来來" +
	"说說要会會能想看给給让讓又只从從对對再才为為以而其之则則并並" +
	"或及但因所"

const firstHan, hanCount = 0x4E00, 0xA000 - 0x4E00

// particleBits is the set of particles, by code point less firstHan.
var particleBits = func() (set [hanCount / 64]uint64) {
	for _, r := range particles {
		set[(r-firstHan)/64] |= 1 << ((r - firstHan) % 64)
	}
	return set
}()

// hanClass tells the particles from the other characters of U+4000..U+9FFF.
func hanClass(char []byte) Class {
	at := int(char[0]&0x0F)<<12 | int(char[1]&0x3F)<<6 | int(char[2]&0x3F)
	at -= firstHan
	if at >= 0 && particleBits[at/64]>>(at%64)&1 != 0 {
		return Particle
	}
	return Han
}

// e3Class splits U+3000..U+3FFF: CJK punctuation, kana, Hangul compatibility letters (as in chat:
// "ㅋㅋ"), enclosed signs, and the first ideographs.
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

// efClass splits U+F000..U+FFFF: private use and presentation forms, compatibility ideographs,
// and full-width forms.
func efClass(next byte) Class {
	switch {
	case next >= 0xA4 && next <= 0xAB:
		return Han
	case next >= 0xB8:
		return Mark
	}
	return Other
}
