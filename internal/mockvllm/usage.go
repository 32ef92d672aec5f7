package mockvllm

import (
	"fmt"
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
	final = o.IncludeUsage == nil || o.IncludeUsage.Kind() == 't'
	continuous = final && o.ContinuousUsage && j.behavior.Usage != FinalUsageOnly
	return final, continuous
}

// total is the usage of the whole answer. It counts every sequence that was
// generated, also those that best_of does not return.
func (j *job) total() wire.Usage {
	u := wire.Usage{Input: j.input, Cached: min(j.behavior.CachedTokens, j.input)}
	for i := range j.sequences {
		u.Output += j.sequences[i].tokens
	}
	return u
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

// outputCount returns the member with the count of output tokens and the comma before
// it, or what stands in its place.
func (j *job) outputCount(name string, n int64) string {
	switch text := j.behavior.OutputCount; text {
	case "":
		return `,"` + name + `":` + strconv.FormatInt(n, 10)
	case Absent:
		return ""
	default:
		return `,"` + name + `":` + text
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

// usageMember returns the member "usage" and the comma before it, as member makes them of
// what is told; nothing where no usage is told.
func (j *job) usageMember(u wire.Usage, member func(told wire.Usage) string) string {
	told, ok := j.told(u)
	switch {
	case j.behavior.Usage == NoUsage:
		return ""
	case !ok:
		return `,"usage":null`
	}
	return member(told)
}

// nullDetails is the member of a usage without details where it is written whole.
const nullDetails = `,"prompt_tokens_details":null`

// usage returns OpenAI's member "usage"; details are those of one that has none.
func (j *job) usage(u wire.Usage, details string) string {
	return j.usageMember(u, func(u wire.Usage) string {
		if u.Cached > 0 {
			details = fmt.Sprintf(`,"prompt_tokens_details":{"cached_tokens":%d}`, u.Cached)
		}
		return `,"usage":{"prompt_tokens":` + strconv.FormatInt(u.Input, 10) +
			`,"total_tokens":` + strconv.FormatInt(u.Input+u.Output, 10) +
			j.outputCount("completion_tokens", u.Output) + details + "}"
	})
}
