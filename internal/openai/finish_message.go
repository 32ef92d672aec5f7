package openai

import "strconv"

// finishMessage appends the end of messages.
func (s *Stream) finishMessage(dst []byte, used Usage) []byte {
	if s.relayed.blockOpen {
		dst = append(dst, "event: content_block_stop\n"+
			`data: {"type":"content_block_stop","index":`...)
		dst = strconv.AppendInt(dst, s.relayed.block, 10)
		dst = append(dst, "}\n\n"...)
	}
	if !s.meter.allFinished() {
		dst = append(dst, "event: message_delta\n"+
			`data: {"type":"message_delta",`+
			`"delta":{"stop_reason":"max_tokens","stop_sequence":null},`+
			`"usage":{"input_tokens":`...)
		dst = strconv.AppendInt(dst, used.Input-used.Cached, 10)
		dst = append(dst, `,"output_tokens":`...)
		dst = strconv.AppendInt(dst, used.Output, 10)
		if used.Cached > 0 {
			dst = append(dst, `,"cache_read_input_tokens":`...)
			dst = strconv.AppendInt(dst, used.Cached, 10)
		}
		dst = append(dst, "}}\n\n"...)
	}
	return append(dst, "event: message_stop\n"+`data: {"type":"message_stop"}`+"\n\n"...)
}

// finishResponse appends the last event of responses. The response has every
// member that OpenAI's schema requires; what was asked for is not repeated.
func (s *Stream) finishResponse(dst []byte, used Usage) []byte {
	dst = append(dst, "event: response.incomplete\n"+
		`data: {"type":"response.incomplete","sequence_number":`...)
	dst = strconv.AppendInt(dst, s.relayed.sequence, 10)
	dst = append(dst, `,"response":{"id":`...)
	dst = append(dst, orNull(s.ident.id)...)
	dst = append(dst, `,"object":"response","created_at":`...)
	dst = append(dst, orNull(s.ident.created)...)
	dst = append(dst, `,"status":"incomplete","error":null,`+
		`"incomplete_details":{"reason":"max_output_tokens"},`+
		`"instructions":null,"metadata":{},"model":`...)
	dst = append(dst, s.publicModel()...)
	dst = append(dst, `,"output":[],"parallel_tool_calls":true,"temperature":null,`+
		`"tool_choice":"auto","tools":[],"top_p":null,"usage":`...)
	dst = appendResponseUsage(dst, used)
	return append(dst, "}}\n\n"...)
}

// appendResponseUsage appends a usage object of responses.
func appendResponseUsage(dst []byte, u Usage) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = strconv.AppendInt(dst, u.Input, 10)
	dst = append(dst, `,"input_tokens_details":{"cached_tokens":`...)
	dst = strconv.AppendInt(dst, u.Cached, 10)
	dst = append(dst, `},"output_tokens":`...)
	dst = strconv.AppendInt(dst, u.Output, 10)
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":`...)
	dst = strconv.AppendInt(dst, u.Input+u.Output, 10)
	return append(dst, '}')
}
