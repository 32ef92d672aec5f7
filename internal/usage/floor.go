package usage

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// inputFloor returns the least that the input of r can be. What a chat template
// may leave out does not count, nor do pictures and recordings, nor a prompt that is
// given twice, of which the model server may read the shorter.
func (p *Pricer) inputFloor(r *request.Request) int64 {
	if r.Twofold {
		return 0
	}
	tokens := bounded(r.TokenIDs) + textFloor(&r.Text, &r.Optional)
	return min(tokens, p.cutMax(r), p.inputMax(r))
}

// cutMax returns what is left at the most of a prompt that the model server cuts down
// as r asks, if it does; 0 where it is told to leave room in a context of which the
// length is not known.
func (p *Pricer) cutMax(r *request.Request) int64 {
	switch {
	case r.TruncateInput > 0:
		return r.TruncateInput
	case r.TruncateInput < 0:
		return max(p.ContextLength()-max(r.OutputCap, 1), 0)
	}
	return priceMax
}

// textFloor returns a lower bound of the tokens of a text, less its optional
// part.
//
// A token may be long, but not without bound. Two sums over a text are at
// most 1 for every single token of the common vocabularies (Llama 2 and 3,
// Qwen 3, cl100k, o200k), and so at most the number of tokens for every text.
// The first takes words: no token has two runs of spaces, unless they are
// separated by line breaks or by wide spaces. The second takes characters:
// the longest token has 10 Chinese characters, 7 Korean ones, 3 digits.
//
// The bound is held below a quarter of the bytes as well, for servers that count
// by length.
func textFloor(t, optional *chars.Text) int64 {
	counted := func(c chars.Class) int64 { return max(t.Chars(c)-optional.Chars(c), 0) }
	words := t.Runs(chars.Space) - optional.Runs(chars.Space) -
		counted(chars.Newline) - counted(chars.Mark)
	dense := counted(chars.Hangul)*120 + (counted(chars.Han)+counted(chars.Particle))*80 +
		counted(chars.Kana)*75 + counted(chars.Digit)*270 + counted(chars.Letter)*25 +
		counted(chars.Other)*40 + (counted(chars.Lower)+counted(chars.Upper))*20
	return max(min(max(words, dense/1000), (t.Bytes()-optional.Bytes())/4), 0)
}
