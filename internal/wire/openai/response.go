package openai

import (
	"bytes"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Response is where a stream of responses stands for its client. The zero value is its beginning.
type Response struct {
	sequence int64 // the number after the last event's
}

// Read meters an event, and reports whether it is the last one, and the error that it tells.
// Usage comes with the last one only. The types: OpenAI's API reference, "Streaming events";
// those that vLLM sends: vllm/entrypoints/openai/responses/streaming_events.py.
func (r *Response) Read(
	env *event.Envelope, es *event.Edits, t *metering.Telling,
) (isLast bool, failed *event.Error) {
	if n, ok := env.Count(event.FieldSequence); ok {
		r.sequence = max(r.sequence, n+1)
	}
	kind := env.Inner(event.FieldType)
	if bytes.HasSuffix(kind, []byte(".delta")) { // it has generated text
		if v := env.Values[event.FieldDelta]; v.IsSet() {
			t.Meter.Sink(false).AddString(&jsonscan.Cursor{Text: env.Data, At: v.Start})
		}
		return false, nil
	}
	var response event.Envelope
	if !response.Nested(env.Data, env.Values[event.FieldResponse]) {
		return false, nil
	}
	t.Ident.Note(&response)
	t.Rename(&response, es)
	if u := metering.ReadUsage(env.Data, response.Values[event.FieldUsage]); u.Tried() {
		t.Meter.SetFinal(u)
	}
	switch string(kind) {
	case "response.completed", "response.incomplete":
		return true, nil
	case "response.failed":
		return true, whyFailed(&response)
	}
	return false, nil
}

// whyFailed returns the error of a response that has failed.
func whyFailed(response *event.Envelope) *event.Error {
	var err event.Envelope
	if err.Nested(response.Data, response.Values[event.FieldError]) {
		told := err.ErrorObject()
		return &told
	}
	return &event.Error{Message: "the response has failed"}
}

// AppendEnd appends the last event of the response, response.incomplete with the reason
// "max_output_tokens" and the usage. The response has every member that OpenAI's schema requires;
// what was asked for is not repeated.
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
