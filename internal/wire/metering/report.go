package metering

import (
	"bytes"
	"math"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Report is a usage object as an answer or event carries it.
type Report struct {
	wire.Usage
	InputTold, OutputTold bool // which of them are told
	// OddUsage is set where a count is negative, a fraction or a string. One that means a whole
	// number ("300", 300.0) is told as well.
	OddUsage bool
	// NullDetails is set where the object spells out that it has no details of the prompt: see
	// openai.Chunks.
	NullDetails bool
}

// HasUsage reports whether the object told any number of tokens.
func (u *Report) HasUsage() bool { return u.InputTold || u.OutputTold }

// Tried reports whether the object told a number of tokens or something in the place of one.
func (u *Report) Tried() bool { return u.HasUsage() || u.OddUsage }

// ReadUsage reads the usage object of an answer or event, which is valid JSON.
func ReadUsage(env *event.Envelope) Report {
	c := env.At(event.MemberUsage)
	return UsageAhead(&c)
}

// UsageAhead reads the value ahead, a usage object. A member that is absent, null or no number of
// tokens is missing; zero is zero.
//
// It knows every endpoint's names: prompt_tokens and completion_tokens (chat, completions,
// embeddings, score), total_tokens alone (rerank), input_tokens and output_tokens (responses,
// messages). In messages, input_tokens leaves out the cached tokens, which are input too;
// everywhere else they are counted already.
func UsageAhead(c *jsonscan.Cursor) (u Report) {
	var total, cacheRead, cacheMade int64
	var hasTotal, generates bool
	for name, ok := c.First(); ok; name, ok = c.Member() {
		switch string(name) {
		case "prompt_tokens", "input_tokens":
			u.Input, u.InputTold = u.tokens(c)
		case "completion_tokens", "output_tokens":
			generates = true
			u.Output, u.OutputTold = u.tokens(c)
		case "total_tokens":
			total, hasTotal = c.Count()
		case "prompt_tokens_details", "input_tokens_details":
			u.NullDetails = c.IsNull()
			u.Cached = cachedTokens(c)
		case "cache_read_input_tokens":
			cacheRead, _ = c.Count()
		case "cache_creation_input_tokens":
			cacheMade, _ = c.Count()
		default:
			c.Skip()
		}
	}
	if !u.InputTold && hasTotal && generates == u.OutputTold {
		u.Input, u.InputTold = max(0, total-u.Output), true
	}
	u.Input = min(u.Input+cacheRead+cacheMade, jsonscan.CountMax)
	u.Cached = min(u.Cached+cacheRead, u.Input)
	return u
}

// tokens reads a value that should be a number of tokens. It takes a number that is whole however
// it is written, in a string too, and notes in u that it is odd.
func (u *Report) tokens(c *jsonscan.Cursor) (n int64, ok bool) {
	c.Peek()
	start := c.At
	if n, ok = c.Count(); ok || c.Bad || c.Text[start] == 'n' {
		return n, ok
	}
	u.OddUsage = true
	return wholeNumber(bytes.Trim(c.Text[start:c.At], `"`))
}

// wholeNumber returns the number of tokens that is written as a fraction of nothing, with an
// exponent, or has come in a string.
func wholeNumber(text []byte) (n int64, ok bool) {
	const most = 24 // bytes
	if len(text) == 0 || len(text) > most || !jsonscan.IsDigit(text[0]) ||
		jsonscan.NumberEnd(text, 0) != len(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f > jsonscan.CountMax || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// cachedTokens reads the cached tokens of a details object; 0 if it tells none.
func cachedTokens(c *jsonscan.Cursor) (n int64) {
	for name, ok := c.First(); ok; name, ok = c.Member() {
		if string(name) == "cached_tokens" {
			n, _ = c.Count()
		} else {
			c.Skip()
		}
	}
	return n
}
