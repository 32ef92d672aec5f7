package mockvllm

// Language is the kind of text that is generated.
type Language string

// The languages. Each generated token of either is one token of [CountTokens].
const (
	Latin  Language = ""
	Korean Language = "ko"
)

const (
	consonants = "bcdfghjklmnpqrstvwxz"
	vowels     = "aeiou"
	// words is the number of five-letter words of the form bodum; token i of
	// a choice is word (i*wordStep) mod words. The two are coprime, so a
	// sequence of that many tokens has no word twice.
	words    = 20 * 5 * 20 * 5 * 20
	wordStep = 77_777

	firstSyllable = 0xAC00
	syllables     = 11_172
	syllableStep  = 7_919

	// choiceStep keeps the texts of two choices apart.
	choiceStep = 4_099
)

// Text returns the text that choice generates in tokens tokens, as the zero
// [Behavior] (or one of another language) makes it. Choices are numbered over
// all prompts, as in answers.
func Text(language Language, choice int, tokens int64) string {
	var text []byte
	b := &Behavior{Language: language}
	for i := range tokens {
		text = appendPiece(text, b, choice, i)
	}
	return string(text)
}

// appendPiece appends the text of token i of a choice. It never needs JSON
// escapes.
func appendPiece(dst []byte, b *Behavior, choice int, i int64) []byte {
	start := len(dst)
	index := uint64(i) + uint64(choice)*choiceStep // #nosec G115 -- any number does
	if b.Language == Korean {
		if i > 0 && i%3 == 0 {
			dst = append(dst, ' ')
		}
		return append(dst, string(rune(firstSyllable+index*syllableStep%syllables))...)
	}
	if i > 0 {
		dst = append(dst, ' ')
	}
	dst = appendWord(dst, index*wordStep%words)
	for len(dst)-start < b.TokenBytes {
		dst = append(dst, 'x')
	}
	return dst
}

func appendWord(dst []byte, n uint64) []byte {
	for i := range 5 {
		letters := consonants
		if i%2 == 1 {
			letters = vowels
		}
		dst = append(dst, letters[n%uint64(len(letters))])
		n /= uint64(len(letters))
	}
	return dst
}
