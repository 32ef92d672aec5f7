package openai

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Chunks reads the chunks of a stream of chat completions or completions, and ends it. The zero
// value is for a chat whose client has not asked for usage. It is for one goroutine.
//
// vLLM leaves members that were never set out of chat chunks, so there a chunk without usage has no
// usage member. Its completions chunks did spell them out, as null, until they changed to do the
// same: such a server also writes "prompt_tokens_details":null inside of usage, and then the whole
// usage becomes null. (chat_completion_stream_generator and completion_stream_generator of
// vllm/entrypoints/openai/chat_completion/serving.py and completion/serving.py.)
type Chunks struct {
	// IsText is set for completions, whose choices have a text in the place of a message.
	IsText bool
	// IncludeUsage and ContinuousUsage are what the client asked for: the usage of the whole
	// answer at its end, and usage on every chunk. The second counts only with the first.
	IncludeUsage, ContinuousUsage bool

	usageNull bool // chunks without usage have "usage":null
}

// Chunk is what becomes of a chunk, and what it is.
type Chunk struct {
	IsHidden bool // the client must not see it
	IsTotal  bool // it has the usage of the whole answer
}

// Read meters a chunk, and notes in es what the client is not to see of it.
func (s *Chunks) Read(env *event.Envelope, es *event.Edits, t *metering.Telling) Chunk {
	t.Ident.Note(env)
	report := metering.ReadUsage(env)
	first, isEmpty := readChoices(env, &t.Meter, t.Meter.Sink(report.OutputTold))
	if report.Tried() {
		if isEmpty {
			t.Meter.SetFinal(report)
		} else {
			t.Meter.SetRunning(first, report)
		}
	}
	if isEmpty && !s.IncludeUsage && isTotal(env, &t.Meter) {
		return Chunk{IsHidden: true}
	}
	s.cutUsage(env, es, report, isEmpty)
	t.Rename(env, es)
	return Chunk{IsTotal: isEmpty && report.HasUsage()}
}

// isTotal reports whether a chunk without choices is there for the total: it has a usage, or
// comes after the end of all choices and says that it has none.
func isTotal(env *event.Envelope, m *metering.Meter) bool {
	return env.Has(event.MemberUsage) || env.Values[event.MemberUsage].IsSet() && m.AllFinished()
}

// readChoices meters the text of each choice and notes what has finished. It returns the index of
// the first, and whether there is a list with nothing in it.
func readChoices(
	env *event.Envelope, m *metering.Meter, sink metering.Sink,
) (first int64, isEmpty bool) {
	c := env.At(event.MemberChoices)
	isList := c.Enter('[')
	isEmpty = isList
	for isList && c.Element() {
		index, finished := ReadChoice(&c, sink)
		if isEmpty {
			first, isEmpty = index, false
		}
		m.See(index, finished)
	}
	return first, isEmpty
}

// cutUsage removes what the client did not ask for from a chunk that it sees.
func (s *Chunks) cutUsage(
	env *event.Envelope, es *event.Edits, report metering.Report, isTotal bool,
) {
	v := env.Values[event.MemberUsage]
	if !v.IsSet() || s.ContinuousUsage || isTotal && s.IncludeUsage {
		return
	}
	null := !env.Has(event.MemberUsage)
	switch {
	case s.IsText && null:
	case s.IsText && report.NullDetails:
		s.usageNull = true
		es.Replace(v, jsonscan.Null)
	case null && s.IncludeUsage: // OpenAI's own way to say "not yet"
	default:
		es.Replace(env.UsageMember(), nil)
	}
}

// AppendEnd appends the end of the stream: for each choice that has begun and not finished a
// chunk with the finish_reason "length", the chunk with the usage if the client asked for it and
// isTold does not say that it has it, and [DONE].
func (s *Chunks) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage, isTold bool) []byte {
	for index, shown := range t.Meter.Unfinished {
		dst = s.appendLast(dst, t, index, shown)
	}
	if s.IncludeUsage && !isTold {
		dst = appendHead(dst, t)
		dst = appendChunkUsage(append(dst, `"choices":[],"usage":`...), used)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// appendLast appends the last chunk of a choice, given what the client was told of its output.
func (s *Chunks) appendLast(dst []byte, t *metering.Telling, index, output int64) []byte {
	said := `"delta":{}`
	if s.IsText {
		said = `"text":""`
	}
	dst = fmt.Appendf(appendHead(dst, t), `"choices":[{"index":%d,%s,`+
		`"logprobs":null,"finish_reason":"length","stop_reason":null}]`, index, said)
	switch {
	case s.ContinuousUsage:
		input := t.Meter.PromptInput(index)
		dst = append(dst, `,"usage":`...)
		dst = appendChunkUsage(dst, wire.Usage{Input: input, Output: output})
	case s.usageNull:
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// appendHead appends a chunk up to its choices.
func appendHead(dst []byte, t *metering.Telling) []byte {
	dst = fmt.Appendf(dst, `data: {"id":%s,"object":%s,"created":%s,"model":%s,`,
		event.OrNull(t.Ident.ID), event.OrNull(t.Ident.Object), event.OrNull(t.Ident.Created),
		t.PublicModel())
	if len(t.Ident.Fingerprint) > 0 {
		dst = fmt.Appendf(dst, `"system_fingerprint":%s,`, t.Ident.Fingerprint)
	}
	return dst
}

// appendChunkUsage appends a usage object in vLLM's order.
func appendChunkUsage(dst []byte, u wire.Usage) []byte {
	dst = fmt.Appendf(dst, `{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d`,
		u.Input, u.Input+u.Output, u.Output)
	if u.Cached > 0 {
		dst = fmt.Appendf(dst, `,"prompt_tokens_details":{"cached_tokens":%d}`, u.Cached)
	}
	return append(dst, '}')
}
