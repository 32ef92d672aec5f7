package openai

import (
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// AppendEnd appends the end of the stream: for each choice that has begun and not finished a
// chunk with the finish_reason "length", the chunk with the usage if the client asked for it
// and isTold does not say that it has it, and [DONE].
func (s *Chunks) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage, isTold bool) []byte {
	for index, shown := range t.Meter.Unfinished {
		dst = s.appendLast(dst, t, index, shown)
	}
	if s.IncludeUsage && !isTold {
		dst = appendHead(dst, t)
		dst = append(dst, `"choices":[],"usage":`...)
		dst = appendChunkUsage(dst, used)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// appendLast appends the last chunk of a choice, given what the client was told of its output.
func (s *Chunks) appendLast(dst []byte, t *metering.Telling, index, output int64) []byte {
	dst = appendHead(dst, t)
	dst = append(dst, `"choices":[{"index":`...)
	dst = strconv.AppendInt(dst, index, 10)
	if s.IsText {
		dst = append(dst, `,"text":""`...)
	} else {
		dst = append(dst, `,"delta":{}`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":"length","stop_reason":null}]`...)
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
	dst = append(dst, `data: {"id":`...)
	dst = append(dst, event.OrNull(t.Ident.ID)...)
	dst = append(dst, `,"object":`...)
	dst = append(dst, event.OrNull(t.Ident.Object)...)
	dst = append(dst, `,"created":`...)
	dst = append(dst, event.OrNull(t.Ident.Created)...)
	dst = append(dst, `,"model":`...)
	dst = append(dst, t.PublicModel()...)
	dst = append(dst, ',')
	if len(t.Ident.Fingerprint) > 0 {
		dst = append(dst, `"system_fingerprint":`...)
		dst = append(dst, t.Ident.Fingerprint...)
		dst = append(dst, ',')
	}
	return dst
}

// appendChunkUsage appends a usage object in vLLM's order.
func appendChunkUsage(dst []byte, u wire.Usage) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, u.Input, 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, u.Input+u.Output, 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, u.Output, 10)
	if u.Cached > 0 {
		dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
		dst = strconv.AppendInt(dst, u.Cached, 10)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}
