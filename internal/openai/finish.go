package openai

import "strconv"

// AppendFinish appends what ends a stream properly that the gateway stops for
// its length, in the format of the endpoint and as a part of the same answer:
//
//   - chat completions and completions: for each choice that has begun and not
//     finished a chunk with finish_reason "length", the chunk with the usage if
//     the client asked for it, and [DONE];
//   - messages: content_block_stop if a block is open, message_delta with
//     stop_reason "max_tokens" and the usage, message_stop;
//   - responses: response.incomplete with the reason "max_output_tokens" and
//     the usage. Its output is empty: the text has gone by in the events before.
//
// used is the usage to tell. Nothing is appended to a stream that has ended or
// failed, or of which no event has come: then the answer can still get a status
// of its own. After the call the stream counts as ended.
func (s *Stream) AppendFinish(dst []byte, used Usage) []byte {
	if !s.begun || s.relayed.ended || s.failed {
		return dst
	}
	dst = s.closeEvent(dst)
	s.relayed.ended = true
	switch s.endpoint {
	case Messages:
		return s.finishMessage(dst, used)
	case Responses:
		return s.finishResponse(dst, used)
	}
	return s.finishChunks(dst, used)
}

// AppendError appends an event that tells the client that the stream broke. No
// [DONE] follows: an answer that broke is not complete. Nothing is appended
// where the stream has ended or has told an error itself.
func (s *Stream) AppendError(dst []byte, err ErrorBody) []byte {
	if s.relayed.ended || s.failed {
		return dst
	}
	dst = s.closeEvent(dst)
	s.fail(StreamError{Status: err.Status, Type: err.Type, Code: err.Code, Message: err.Why.Message})
	if s.endpoint == Responses {
		return s.responseError(dst, err)
	}
	if s.endpoint.Anthropic() {
		dst = append(dst, "event: error\n"...)
	}
	dst = append(dst, "data: "...)
	dst = err.AppendJSON(dst, s.endpoint)
	return append(dst, "\n\n"...)
}

// responseError appends the error event of responses, which is flat.
func (s *Stream) responseError(dst []byte, err ErrorBody) []byte {
	dst = append(dst, `event: error`+"\n"+`data: {"type":"error","code":`...)
	dst = appendQuotedOrNull(dst, err.Code)
	dst = append(dst, `,"message":`...)
	dst = appendQuoted(dst, err.Why.Message)
	dst = append(dst, `,"param":`...)
	dst = appendQuotedOrNull(dst, err.Why.Param)
	dst = append(dst, `,"sequence_number":`...)
	dst = strconv.AppendInt(dst, s.relayed.sequence, 10)
	return append(dst, "}\n\n"...)
}

// closeEvent ends an event that was relayed without its blank line.
func (s *Stream) closeEvent(dst []byte) []byte {
	if s.relayed.open {
		s.relayed.open = false
		dst = append(dst, "\n\n"...)
	}
	return dst
}

// publicModel returns the model's name as the client sees it, as JSON.
func (s *Stream) publicModel() []byte {
	if len(s.model) > 0 && len(s.ident.model) > 0 {
		return s.model
	}
	return orNull(s.ident.model)
}
