package chars

// Class is a kind of character that tokenizers treat alike. Every character of a text belongs to
// exactly one.
type Class uint8

// The classes. The ASCII ones come first.
const (
	Lower    Class  = iota // a-z
	Upper                  // A-Z
	Digit                  // 0-9
	Punct                  // other printable ASCII, and control characters
	Space                  // space and tab
	Newline                // line feed and carriage return
	Hangul                 // Korean syllables and compatibility letters
	Han                    // Chinese characters, and the same in Japanese and Korean
	Particle               // those of them that are mostly a word by themselves: 的, 了, 我
	Kana                   // Hiragana and Katakana
	Letter                 // two-byte letters: accented Latin, Greek, Cyrillic, Arabic, ...
	Mark                   // typographic and full-width signs, arrows, box drawing
	Other                  // the remaining three-byte characters: Thai, Devanagari, ...
	Astral                 // four-byte characters: emoji, rare ideographs
	Classes  = iota        // number of classes
)

const asciiClasses = int(Newline) + 1

// Text counts the characters of each [Class] in a text, and the runs: the longest stretches of
// one class. A price can be estimated from these, without keeping the text or running a tokenizer
// over it.
//
// The zero value is the empty text. A Text is a plain value, not safe for concurrent change.
type Text struct {
	chars, runs [Classes]int64
	bytes       int64
	growth      int64
	last        uint8   // 1 + class of the last character; 0: none
	held        [3]byte // First bytes of a character that has not all come yet
	heldCount   uint8
}

// Add appends s, UTF-8 with JSON escapes already decoded, to the text. The pieces of a text may
// be cut anywhere, even inside a character: the counts are those of the whole. Bytes that are not
// UTF-8 are counted somehow. It does not keep s and does not allocate.
func (t *Text) Add(s []byte) {
	t.bytes += int64(len(s))
	s = s[t.complete(s):]
	for len(s) > 0 {
		s = s[t.addASCII(s):]
		s = s[t.addWide(s):]
	}
}

// AddText adds the counts of another text, which is taken to stand apart: runs do not join across
// the seam.
func (t *Text) AddText(o Text) { t.AddTimes(&o, 1) }

// AddTimes is AddText n times.
func (t *Text) AddTimes(o *Text, n int64) {
	for c := range t.chars {
		t.chars[c] += n * o.chars[c]
		t.runs[c] += n * o.runs[c]
	}
	t.bytes += n * o.bytes
	t.growth += n * o.growth
	t.End()
}

// End ends the text: what is added later stands apart from it, as with AddText.
func (t *Text) End() { t.last, t.heldCount = 0, 0 }

// Bytes returns the length of the text in bytes of UTF-8.
func (t Text) Bytes() int64 { return t.bytes }

// Growth returns by how many bytes the text can become longer at the most before it is cut into
// tokens: where a tokenizer normalises it, and where a template prints it as JSON for web pages.
func (t Text) Growth() int64 { return t.growth }

// Chars returns the number of characters of class c.
func (t *Text) Chars(c Class) int64 { return t.chars[c] }

// Runs returns the number of runs of class c: stretches of characters of that class, as long as
// possible. "a  bc" has two runs of [Lower] and one of [Space].
func (t *Text) Runs(c Class) int64 { return t.runs[c] }

// Equal reports whether both texts have the same counts.
func (t Text) Equal(o Text) bool {
	return t.bytes == o.bytes && t.growth == o.growth && t.chars == o.chars && t.runs == o.runs
}

// addASCII counts the ASCII characters at the start of s, at most 255, and returns how many there
// were.
//
// Each class has a byte of its own in a word, so that one addition counts a character whatever
// its class, and one AND NOT tells whether it began a run. 255 characters cannot overflow a byte.
func (t *Text) addASCII(s []byte) int {
	if len(s) > 1 && s[0] < 0x80 && s[1] >= 0x80 { // one, as between Korean words
		t.count(Class(asciiLast[s[0]] - 1))
		markup := asciiBit[s[0]] >> (8 * asciiClasses)
		t.growth += markupGrowth * int64(markup) // #nosec G115 -- a byte is left
		return 1
	}
	var chars, runs uint64
	last := t.lastBit()
	n := 0
	for _, b := range s[:min(len(s), 255)] {
		bit := asciiBit[b]
		if bit == 0 {
			break
		}
		chars += bit
		runs += bit &^ last
		last = bit
		n++
	}
	if n == 0 {
		return 0
	}
	for c := range asciiClasses {
		t.chars[c] += int64(chars & 0xff) // #nosec G115 -- a byte
		t.runs[c] += int64(runs & 0xff)   // #nosec G115 -- a byte
		chars, runs = chars>>8, runs>>8
	}
	t.growth += markupGrowth * int64(chars) // #nosec G115 -- a byte is left
	t.last = asciiLast[s[n-1]]
	return n
}

// lastBit returns the bit of the last character's class, 0 where it has none.
func (t *Text) lastBit() uint64 {
	if t.last == 0 || int(t.last) > asciiClasses {
		return 0
	}
	return 1 << (8 * (t.last - 1))
}

// addWide counts the characters beyond ASCII at the start of s and returns how many bytes they
// took. It holds the bytes of a character that is cut off.
func (t *Text) addWide(s []byte) int {
	i := 0
	for i < len(s) && s[i] >= 0x80 {
		size := wideSize(s[i])
		if i+size > len(s) {
			t.heldCount = uint8(copy(t.held[:], s[i:])) // #nosec G115 -- at most 4
			return len(s)
		}
		if s[i] == 0xEB || s[i] == 0xEC { // three of four Korean syllables, and nothing else
			t.count(Hangul)
		} else {
			t.count(wideClass(s[i : i+size]))
			t.growth += growth(s[i : i+size])
		}
		i += size
	}
	return i
}

// complete counts the character that is held, if s brings the rest of it, and returns how many
// bytes of s that took.
func (t *Text) complete(s []byte) int {
	if t.heldCount == 0 {
		return 0
	}
	var char [4]byte
	have := copy(char[:], t.held[:t.heldCount])
	size := wideSize(char[0])
	took := copy(char[have:size], s)
	if have+took < size {
		t.heldCount = uint8(copy(t.held[:], char[:have+took])) // #nosec G115 -- at most 4
		return took
	}
	t.heldCount = 0
	t.count(wideClass(char[:size]))
	t.growth += growth(char[:size])
	return took
}

func (t *Text) count(c Class) {
	t.chars[c]++
	if t.last != uint8(c)+1 {
		t.runs[c]++
		t.last = uint8(c) + 1
	}
}
