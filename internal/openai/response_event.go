package openai

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// responseStream is where a stream of responses stands for its client. The zero value is its
// beginning.
type responseStream struct {
	sequence int64 // the number after the last event's
}

// read meters an event, and reports whether it is the last one, and the error that it tells.
// Usage comes with the last one only. The types: OpenAI's API reference, "Streaming events";
// those that vLLM sends: vllm/entrypoints/openai/responses/streaming_events.py.
func (r *responseStream) read(env *envelope, es *eventEdits, t *telling) (isLast bool, failed *StreamError) {
	if n, ok := env.count(fieldSequence); ok {
		r.sequence = max(r.sequence, n+1)
	}
	kind := env.inner(fieldType)
	if bytes.HasSuffix(kind, deltaSuffix) {
		if v := env.values[fieldDelta]; v.IsSet() {
			t.meter.sink(false).addString(&jsonscan.Cursor{Text: env.data, At: v.Start})
		}
		return false, nil
	}
	var response envelope
	if !response.nested(env.data, env.values[fieldResponse]) {
		return false, nil
	}
	t.ident.note(&response)
	t.rename(&response, es)
	if u := readUsage(env.data, response.values[fieldUsage]); u.tried() {
		t.meter.setFinal(u)
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
func whyFailed(response *envelope) *StreamError {
	var err envelope
	if err.nested(response.data, response.values[fieldError]) {
		told := err.streamError()
		return &told
	}
	return &StreamError{Message: "the response has failed"}
}

// deltaSuffix ends the type of every event that carries generated text.
var deltaSuffix = []byte(".delta")
