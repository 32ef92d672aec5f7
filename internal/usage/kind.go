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
	latin := 0.25 * (x[openai.Lower] + x[openai.Upper])
	hangul := x[openai.Hangul]
	han := x[openai.Han] + x[openai.Particle] + x[openai.Kana]
	other := 0.5*x[openai.Letter] + x[openai.Other] + x[openai.Astral]
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
	if x[openai.Punct]+x[openai.Digit] > 0.5*latin {
		return codeKind
	}
	return proseKind
}
