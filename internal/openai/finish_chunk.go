package openai

import "strconv"

// finishChunks appends the end of chat completions and completions.
func (s *Stream) finishChunks(dst []byte, used Usage) []byte {
	for i := range s.meter.choices {
		if c := &s.meter.choices[i]; c.seen && !c.finished && int64(i) < s.meter.expected {
			dst = s.finishChoice(dst, int64(i), c.shown)
		}
	}
	if s.options.IncludeUsage && !s.relayed.total {
		dst = s.chunkHead(dst)
		dst = append(dst, `"choices":[],"usage":`...)
		dst = appendChunkUsage(dst, used)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// finishChoice appends the last chunk of a choice.
func (s *Stream) finishChoice(dst []byte, index, output int64) []byte {
	dst = s.chunkHead(dst)
	dst = append(dst, `"choices":[{"index":`...)
	dst = strconv.AppendInt(dst, index, 10)
	if s.endpoint == Completions {
		dst = append(dst, `,"text":""`...)
	} else {
		dst = append(dst, `,"delta":{}`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":"length","stop_reason":null}]`...)
	switch {
	case s.options.ContinuousUsage:
		input := s.meter.prompt(index).input
		dst = append(dst, `,"usage":`...)
		dst = appendChunkUsage(dst, Usage{Input: input, Output: output})
	case s.usageNull:
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// chunkHead appends a chunk up to its choices.
func (s *Stream) chunkHead(dst []byte) []byte {
	dst = append(dst, `data: {"id":`...)
	dst = append(dst, orNull(s.ident.id)...)
	dst = append(dst, `,"object":`...)
	dst = append(dst, orNull(s.ident.object)...)
	dst = append(dst, `,"created":`...)
	dst = append(dst, orNull(s.ident.created)...)
	dst = append(dst, `,"model":`...)
	dst = append(dst, s.publicModel()...)
	dst = append(dst, ',')
	if len(s.ident.fingerprint) > 0 {
		dst = append(dst, `"system_fingerprint":`...)
		dst = append(dst, s.ident.fingerprint...)
		dst = append(dst, ',')
	}
	return dst
}

// appendChunkUsage appends a usage object in vLLM's order.
func appendChunkUsage(dst []byte, u Usage) []byte {
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
