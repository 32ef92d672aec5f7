package openai

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Response is where a stream of responses stands for its client. The zero value is its
// beginning.
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
	if bytes.HasSuffix(kind, deltaSuffix) {
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

// deltaSuffix ends the type of every event that carries generated text.
var deltaSuffix = []byte(".delta")
