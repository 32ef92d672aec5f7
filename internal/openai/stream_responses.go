package openai

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// responseEvent handles an event of responses. Usage comes with the last one
// only. The types: OpenAI's API reference, "Streaming events"; those that vLLM
// sends: vllm/entrypoints/openai/responses/streaming_events.py.
func (s *Stream) responseEvent(env *envelope, es *eventEdits) {
	if n, ok := env.count(fieldSequence); ok {
		s.relayed.sequence = max(s.relayed.sequence, n+1)
	}
	kind := env.inner(fieldType)
	if bytes.HasSuffix(kind, deltaSuffix) {
		if v := env.values[fieldDelta]; v.IsSet() {
			s.meter.sink(false).addString(&jsonscan.Cursor{Text: env.data, At: v.Start})
		}
		return
	}
	var response envelope
	if !response.nested(env.data, env.values[fieldResponse]) {
		return
	}
	s.ident.note(&response)
	s.rename(&response, es)
	if u := readUsage(env.data, response.values[fieldUsage]); u.tried() {
		s.meter.setFinal(u)
	}
	switch string(kind) {
	case "response.completed", "response.incomplete":
		s.relayed.ended = true
	case "response.failed":
		s.failResponse(&response)
	}
}

// failResponse notes why a response has failed.
func (s *Stream) failResponse(response *envelope) {
	s.relayed.ended = true
	var err envelope
	if err.nested(response.data, response.values[fieldError]) {
		s.fail(err.streamError())
		return
	}
	s.fail(StreamError{Message: "the response has failed"})
}

// deltaSuffix ends the type of every event that carries generated text.
var deltaSuffix = []byte(".delta")
