package mockvllm

import (
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// tells reports whether the request's stream asks for a final usage chunk and
// for usage on every chunk.
func (j *job) tells() (final, continuous bool) {
	o := j.body.StreamOptions
	if o == nil || j.behavior.StreamOptions == IgnoreOptions || j.behavior.Usage == NoUsage {
		return false, false
	}
	final = o.includesUsage()
	continuous = final && o.ContinuousUsage && j.behavior.Usage != FinalUsageOnly
	return final, continuous
}

// total is the usage of the whole answer. It counts every sequence that was
// generated, also those that best_of does not return.
func (j *job) total() wire.Usage {
	return wire.Usage{Input: j.input(), Output: j.generated(), Cached: min(j.behavior.CachedTokens, j.input())}
}

// told is what is told of a usage.
func (j *job) told(u wire.Usage) (wire.Usage, bool) {
	switch j.behavior.Usage {
	case NoUsage, NullUsage:
		return wire.Usage{}, false
	case ZeroUsage:
		return wire.Usage{}, true
	case ShrinkingUsage:
		if u.Output > shrinksAfter {
			u.Output = 1
		}
	}
	return u, true
}

// shrinksAfter is how many output tokens [ShrinkingUsage] tells of.
const shrinksAfter = 8

// lies reports whether what is told of the output is not what was spent: the ledger
// does not keep it as told.
func (j *job) lies() bool {
	return j.behavior.OutputCount != "" || j.behavior.Usage == ShrinkingUsage
}

// appendOutput appends the count of output tokens, or what stands in its place.
func (j *job) appendOutput(dst []byte, key string, n int64) []byte {
	switch text := j.behavior.OutputCount; text {
	case "":
		return appendCount(dst, key, n)
	case Absent:
		return dst
	default:
		return append(append(dst, key...), text...)
	}
}

// tellFinal books that the usage of the whole answer is told.
func (j *job) tellFinal() {
	if u, ok := j.told(j.total()); ok && !j.lies() {
		j.record.tellFinal(u)
	}
}

// tell books that the usage of a token's choice so far is told, and returns it.
func (j *job) tell(t token) wire.Usage {
	u := wire.Usage{Input: j.inputs[t.sequence.prompt], Output: t.index + 1}
	if told, ok := j.told(u); ok && !j.lies() {
		j.record.tell(t.sequence.choice, t.sequence.prompt, told)
	}
	return u
}

// usageStyle is how much of the usage object is written.
type usageStyle uint8

const (
	briefUsage usageStyle = iota // details only where there are any
	fullUsage                    // absent details are null
)

// appendUsage appends the member "usage" and the comma before it, or nothing.
func (j *job) appendUsage(dst []byte, u wire.Usage, style usageStyle) []byte {
	if j.behavior.Usage == NoUsage {
		return dst
	}
	dst = append(dst, `,"usage":`...)
	u, ok := j.told(u)
	if !ok {
		return append(dst, "null"...)
	}
	dst = appendCount(dst, `{"prompt_tokens":`, u.Input)
	dst = appendCount(dst, `,"total_tokens":`, u.Input+u.Output)
	dst = j.appendOutput(dst, `,"completion_tokens":`, u.Output)
	switch {
	case u.Cached > 0:
		dst = appendCount(dst, `,"prompt_tokens_details":{"cached_tokens":`, u.Cached)
		dst = append(dst, '}')
	case style == fullUsage:
		dst = append(dst, `,"prompt_tokens_details":null`...)
	}
	return append(dst, '}')
}

func appendCount(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(dst, key...), n, 10)
}
