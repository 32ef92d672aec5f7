package openai

import (
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// AppendEnd appends the last event of the response, response.incomplete with the reason
// "max_output_tokens" and the usage. The response has every
// member that OpenAI's schema requires; what was asked for is not repeated.
func (r *Response) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage) []byte {
	dst = append(dst, "event: response.incomplete\n"+
		`data: {"type":"response.incomplete","sequence_number":`...)
	dst = strconv.AppendInt(dst, r.sequence, 10)
	dst = append(dst, `,"response":{"id":`...)
	dst = append(dst, event.OrNull(t.Ident.ID)...)
	dst = append(dst, `,"object":"response","created_at":`...)
	dst = append(dst, event.OrNull(t.Ident.Created)...)
	dst = append(dst, `,"status":"incomplete","error":null,`+
		`"incomplete_details":{"reason":"max_output_tokens"},`+
		`"instructions":null,"metadata":{},"model":`...)
	dst = append(dst, t.PublicModel()...)
	dst = append(dst, `,"output":[],"parallel_tool_calls":true,"temperature":null,`+
		`"tool_choice":"auto","tools":[],"top_p":null,"usage":`...)
	dst = appendResponseUsage(dst, used)
	return append(dst, "}}\n\n"...)
}

// appendResponseUsage appends a usage object of responses.
func appendResponseUsage(dst []byte, u wire.Usage) []byte {
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

// AppendError appends the error event of a response, which is flat.
func (r *Response) AppendError(dst []byte, err wire.ErrorBody) []byte {
	dst = append(dst, `event: error`+"\n"+`data: {"type":"error","code":`...)
	dst = wire.AppendQuotedOrNull(dst, err.Code)
	dst = append(dst, `,"message":`...)
	dst = wire.AppendQuoted(dst, err.Why.Message)
	dst = append(dst, `,"param":`...)
	dst = wire.AppendQuotedOrNull(dst, err.Why.Param)
	dst = append(dst, `,"sequence_number":`...)
	dst = strconv.AppendInt(dst, r.sequence, 10)
	return append(dst, "}\n\n"...)
}
