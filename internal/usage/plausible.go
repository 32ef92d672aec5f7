package usage

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// contextMost is taken for the context of a model whose length is not known: no
// model's is longer.
const contextMost = 1 << 24

// hiddenSlack is how many tokens of each sequence may be generated and not shown,
// whatever the time says: ends of turns, what a parser leaves out.
const hiddenSlack = 64

// PlausibleInput reports whether the prompts of r can have had so many tokens.
func (p *Pricer) PlausibleInput(r *request.Request, tokens int64) bool {
	each := p.ContextLength()
	if each == 0 {
		each = contextMost
	}
	return tokens <= times(each, max(r.Prompts, 1))
}

// PlausibleOutput reports whether so many tokens can have been generated for r, of
// which so many bytes have come after the time elapsed. Each token that is shown
// has a byte at least. Those that are not shown, of reasoning and of sequences that
// are not returned, cannot be more than the request may get, nor than the fastest
// server could have generated.
func (p *Pricer) PlausibleOutput(r *request.Request, input, tokens, bytes int64,
	elapsed time.Duration,
) bool {
	if !r.Endpoint.Generates() {
		return tokens == 0
	}
	if tokens <= bytes {
		return true
	}
	all := sequences(r)
	shown := times(max(r.Prompts, 1), max(r.Choices, 1))
	hidden := hiddenSlack + int64(min(elapsed.Seconds()/fastestSeconds, priceMax))
	return tokens <= times(p.sequenceMax(r, input), all) &&
		tokens <= times(bytes, all)/shown+times(hidden, all)
}

// ShownFloor returns a lower bound of the tokens of a text that was generated: one
// for each word that stands between spaces, or for as many characters as the longest
// token of their class has. Letters do not count by themselves, for some servers
// have words that are longer than any of the usual tokens.
func ShownFloor(t *chars.Text) int64 {
	words := t.Runs(chars.Space) - t.Chars(chars.Newline) - t.Chars(chars.Mark)
	dense := t.Chars(chars.Hangul)*120 + (t.Chars(chars.Han)+t.Chars(chars.Particle))*80 +
		t.Chars(chars.Kana)*75 + t.Chars(chars.Digit)*270
	return max(min(max(words, dense/1000), t.Bytes()/4), 0)
}
