package openai

import "strconv"

// appendEnd appends the end of the stream: for each choice that has begun and not finished a
// chunk with the finish_reason "length", the chunk with the usage if the client asked for it
// and isTold does not say that it has it, and [DONE].
func (s *chunkStream) appendEnd(dst []byte, t *telling, used Usage, isTold bool) []byte {
	for index, shown := range t.meter.unfinished {
		dst = s.appendLast(dst, t, index, shown)
	}
	if s.includeUsage && !isTold {
		dst = appendHead(dst, t)
		dst = append(dst, `"choices":[],"usage":`...)
		dst = appendChunkUsage(dst, used)
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// appendLast appends the last chunk of a choice, given what the client was told of its output.
func (s *chunkStream) appendLast(dst []byte, t *telling, index, output int64) []byte {
	dst = appendHead(dst, t)
	dst = append(dst, `"choices":[{"index":`...)
	dst = strconv.AppendInt(dst, index, 10)
	if s.isText {
		dst = append(dst, `,"text":""`...)
	} else {
		dst = append(dst, `,"delta":{}`...)
	}
	dst = append(dst, `,"logprobs":null,"finish_reason":"length","stop_reason":null}]`...)
	switch {
	case s.continuousUsage:
		input := t.meter.promptInput(index)
		dst = append(dst, `,"usage":`...)
		dst = appendChunkUsage(dst, Usage{Input: input, Output: output})
	case s.usageNull:
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// appendHead appends a chunk up to its choices.
func appendHead(dst []byte, t *telling) []byte {
	dst = append(dst, `data: {"id":`...)
	dst = append(dst, orNull(t.ident.id)...)
	dst = append(dst, `,"object":`...)
	dst = append(dst, orNull(t.ident.object)...)
	dst = append(dst, `,"created":`...)
	dst = append(dst, orNull(t.ident.created)...)
	dst = append(dst, `,"model":`...)
	dst = append(dst, t.publicModel()...)
	dst = append(dst, ',')
	if len(t.ident.fingerprint) > 0 {
		dst = append(dst, `"system_fingerprint":`...)
		dst = append(dst, t.ident.fingerprint...)
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
