package openai

import "strconv"

// appendEnd appends the last event of the response, response.incomplete with the reason
// "max_output_tokens" and the usage. The response has every
// member that OpenAI's schema requires; what was asked for is not repeated.
func (r *responseStream) appendEnd(dst []byte, t *telling, used Usage) []byte {
	dst = append(dst, "event: response.incomplete\n"+
		`data: {"type":"response.incomplete","sequence_number":`...)
	dst = strconv.AppendInt(dst, r.sequence, 10)
	dst = append(dst, `,"response":{"id":`...)
	dst = append(dst, orNull(t.ident.id)...)
	dst = append(dst, `,"object":"response","created_at":`...)
	dst = append(dst, orNull(t.ident.created)...)
	dst = append(dst, `,"status":"incomplete","error":null,`+
		`"incomplete_details":{"reason":"max_output_tokens"},`+
		`"instructions":null,"metadata":{},"model":`...)
	dst = append(dst, t.publicModel()...)
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

// appendError appends the error event of a response, which is flat.
func (r *responseStream) appendError(dst []byte, err ErrorBody) []byte {
	dst = append(dst, `event: error`+"\n"+`data: {"type":"error","code":`...)
	dst = appendQuotedOrNull(dst, err.Code)
	dst = append(dst, `,"message":`...)
	dst = appendQuoted(dst, err.Why.Message)
	dst = append(dst, `,"param":`...)
	dst = appendQuotedOrNull(dst, err.Why.Param)
	dst = append(dst, `,"sequence_number":`...)
	dst = strconv.AppendInt(dst, r.sequence, 10)
	return append(dst, "}\n\n"...)
}
