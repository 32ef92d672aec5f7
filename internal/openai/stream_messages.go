package openai

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// messageEvent handles an event of Anthropic's messages. The input is in
// message_start, the output in message_delta, cumulative, so that the second is
// a total. What vLLM sends: vllm/entrypoints/anthropic/serving.py,
// message_stream_converter.
func (s *Stream) messageEvent(env *envelope, es *eventEdits) {
	sink := s.meter.sink(false)
	switch string(env.inner(fieldType)) {
	case "message_start":
		s.messageStart(env, es)
	case "content_block_start":
		s.relayed.block, s.relayed.blockOpen = s.blockIndex(env), true
		sink.addPartAt(env, fieldContentBlock)
	case "content_block_delta":
		sink.addPartAt(env, fieldDelta)
	case "content_block_stop":
		s.relayed.blockOpen = false
	case "message_delta":
		s.messageDelta(env)
	case "message_stop":
		s.relayed.ended = true
	}
}

func (s *Stream) blockIndex(env *envelope) int64 {
	index, _ := env.count(fieldIndex)
	return index
}

func (s *Stream) messageStart(env *envelope, es *eventEdits) {
	var message envelope
	if !message.nested(env.data, env.values[fieldMessage]) {
		return
	}
	s.ident.note(&message)
	s.rename(&message, es)
	if u := readUsage(env.data, message.values[fieldUsage]); u.tried() {
		s.meter.setRunning(0, u)
	}
}

func (s *Stream) messageDelta(env *envelope) {
	if u := readUsage(env.data, env.values[fieldUsage]); u.tried() {
		s.meter.setFinal(u) // the input as message_start has told it, unless it is here too
	}
	var delta envelope
	if delta.nested(env.data, env.values[fieldDelta]) {
		s.meter.see(0, delta.has(fieldStopReason))
	}
}

// addPartAt counts the text of a member that is a content block, or a piece of
// one.
func (k textSink) addPartAt(env *envelope, f field) {
	if v := env.values[f]; v.IsSet() {
		k.addPart(&jsonscan.Cursor{Text: env.data, At: v.Start})
	}
}
