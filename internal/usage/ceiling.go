package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"

// ExcessMax is how many times its price the text of an input can cost at most, whatever
// the text, the tokenizer and what was learned: see [Ceiling]. Of the ordinary texts of
// the tests one in twenty costs less than 0.17 tokens a byte, and none less than 0.13.
const ExcessMax = 6

// messageBytes is what a chat template puts around a message, and around a prompt, at
// one token for each.
const messageBytes = 8

// Ceiling returns the most tokens that the text of r can be, however hostile it is:
// one for each byte of UTF-8, and of the words and punctuation of its messages where a
// template prints them all. Tokenizers fall back to single bytes, and never below, but some
// normalise the text before.
// What the template itself adds beyond messageBytes a message, such as a system prompt of
// its own, no body brings and no bound has.
func Ceiling(r *request.Request) int64 {
	messages := bounded(r.Messages) + bounded(r.Prompts)
	text := bounded(r.Text.Bytes()+r.Text.Growth()) + bounded(r.Words)
	return text + times(messageBytes, messages)
}

// leastPrice returns what the text of r is priced at the least: texts that tokenizers
// split more finely than any language cost more than what was learned of others, and
// what was learned may be the doing of whoever profits from it.
func leastPrice(r *request.Request) int64 { return (Ceiling(r) + ExcessMax - 1) / ExcessMax }
