package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/openai"

// inputFloor returns the least that the input of r can be. What a chat template
// may leave out does not count, nor do pictures and recordings.
func (p *Pricer) inputFloor(r *openai.Request) int64 {
	tokens := bounded(r.TokenIDs) + textFloor(&r.Text, &r.Optional)
	if r.TruncateInput != 0 {
		tokens = min(tokens, p.inputMax(r))
		if r.TruncateInput < 0 && p.options.ContextLength == 0 {
			tokens = 0
		}
	}
	return min(tokens, priceMax)
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
func textFloor(t, optional *openai.Text) int64 {
	chars := func(c openai.Class) int64 { return max(t.Chars(c)-optional.Chars(c), 0) }
	words := t.Runs(openai.Space) - optional.Runs(openai.Space) - chars(openai.Newline) - chars(openai.Mark)
	dense := chars(openai.Hangul)*120 + (chars(openai.Han)+chars(openai.Particle))*80 + chars(openai.Kana)*75 +
		chars(openai.Digit)*270 + chars(openai.Letter)*25 + chars(openai.Other)*40 +
		(chars(openai.Lower)+chars(openai.Upper))*20
	return max(min(max(words, dense/1000), (t.Bytes()-optional.Bytes())/4), 0)
}
