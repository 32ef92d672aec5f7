package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"

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
	latin := 0.25 * (x[chars.Lower] + x[chars.Upper])
	hangul := x[chars.Hangul]
	han := x[chars.Han] + x[chars.Particle] + x[chars.Kana]
	other := 0.5*x[chars.Letter] + x[chars.Other] + x[chars.Astral]
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
	if x[chars.Punct]+x[chars.Digit] > 0.5*latin {
		return codeKind
	}
	return proseKind
}
