package openai

import (
	"bytes"
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
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
	if n, ok := env.Count(event.MemberSequence); ok {
		r.sequence = max(r.sequence, n+1)
	}
	kind := env.Inner(event.MemberType)
	if bytes.HasSuffix(kind, []byte(".delta")) { // it has generated text
		c := env.At(event.MemberDelta)
		t.Meter.Sink(false).AddString(&c)
		return false, nil
	}
	var response event.Envelope
	if !response.Nested(env, event.MemberResponse) {
		return false, nil
	}
	t.Ident.Note(&response)
	t.Rename(&response, es)
	if u := metering.ReadUsage(&response); u.Tried() {
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
	if err.Nested(response, event.MemberError) {
		told := err.ErrorObject()
		return &told
	}
	return &event.Error{Message: "the response has failed"}
}

// AppendEnd appends the last event of the response, response.incomplete with the reason
// "max_output_tokens" and the usage. The response has every member that OpenAI's schema requires;
// what was asked for is not repeated.
func (r *Response) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage) []byte {
	return fmt.Appendf(dst, "event: response.incomplete\n"+
		`data: {"type":"response.incomplete","sequence_number":%d,`+
		`"response":{"id":%s,"object":"response","created_at":%s,"status":"incomplete",`+
		`"error":null,"incomplete_details":{"reason":"max_output_tokens"},`+
		`"instructions":null,"metadata":{},"model":%s,"output":[],"parallel_tool_calls":true,`+
		`"temperature":null,"tool_choice":"auto","tools":[],"top_p":null,`+
		`"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},`+
		`"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},`+
		`"total_tokens":%d}}}`+"\n\n",
		r.sequence, event.OrNull(t.Ident.ID), event.OrNull(t.Ident.Created), t.PublicModel(),
		used.Input, used.Cached, used.Output, used.Input+used.Output)
}

// AppendError appends the error event of a response, which is flat.
func (r *Response) AppendError(dst []byte, err wire.ErrorBody) []byte {
	dst = append(dst, "event: error\n"+`data: {"type":"error","code":`...)
	dst = wire.AppendQuotedOrNull(dst, err.Code)
	dst = wire.AppendQuoted(append(dst, `,"message":`...), err.Why.Message)
	dst = wire.AppendQuotedOrNull(append(dst, `,"param":`...), err.Why.Param)
	return fmt.Appendf(dst, `,"sequence_number":%d}`+"\n\n", r.sequence)
}
