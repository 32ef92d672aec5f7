package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/openai"

// Errors differ by what a text mostly is, so each such kind has a margin of its own.
const (
	proseKind = iota
	codeKind
	hangulKind
	hanKind
	otherKind
	kindCount
)

// kindOf returns what the text mostly is, characters weighted by the tokens
// that they are worth at first.
func kindOf(x *features) int {
	latin := 0.25 * (count(x, openai.Lower) + count(x, openai.Upper))
	hangul := count(x, openai.Hangul)
	han := count(x, openai.Han) + count(x, openai.Particle) + count(x, openai.Kana)
	other := 0.5*count(x, openai.Letter) + count(x, openai.Other) + count(x, openai.Astral)
	switch max(latin, hangul, han, other) {
	case latin:
		return latinKind(x, latin)
	case hangul:
		return hangulKind
	case han:
		return hanKind
	}
	return otherKind
}

// latinKind tells code, which is full of punctuation and digits, from prose.
func latinKind(x *features, latin float64) int {
	if count(x, openai.Punct)+count(x, openai.Digit) > 0.5*latin {
		return codeKind
	}
	return proseKind
}

// charsAt has, for each class, the place of its characters among the features.
var charsAt = func() (at [openai.Classes]int) {
	for i, f := range textFeatures {
		if !f.runs {
			at[f.class] = i
		}
	}
	return at
}()

func count(x *features, c openai.Class) float64 { return x[charsAt[c]] }
