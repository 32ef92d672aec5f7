package openai

// messageStream is where a stream of Anthropic's messages stands for its client. The zero
// value is its beginning.
type messageStream struct {
	isOpen bool  // a content block has begun and not stopped
	block  int64 // its index
}

// read meters an event, and reports whether it is the last one. The input is in message_start,
// the output in message_delta, cumulative, so that the second is a total. What vLLM sends:
// vllm/entrypoints/anthropic/serving.py, message_stream_converter.
func (m *messageStream) read(env *envelope, es *eventEdits, t *telling) (isLast bool) {
	sink := t.meter.sink(false)
	switch string(env.inner(fieldType)) {
	case "message_start":
		startMessage(env, es, t)
	case "content_block_start":
		m.block, _ = env.count(fieldIndex)
		m.isOpen = true
		sink.addPartAt(env, fieldContentBlock)
	case "content_block_delta":
		sink.addPartAt(env, fieldDelta)
	case "content_block_stop":
		m.isOpen = false
	case "message_delta":
		endMessage(env, t)
	case "message_stop":
		return true
	}
	return false
}

func startMessage(env *envelope, es *eventEdits, t *telling) {
	var message envelope
	if !message.nested(env.data, env.values[fieldMessage]) {
		return
	}
	t.ident.note(&message)
	t.rename(&message, es)
	if u := readUsage(env.data, message.values[fieldUsage]); u.tried() {
		t.meter.setRunning(0, u)
	}
}

// endMessage reads a message_delta. The input is as message_start has told it, unless it is
// here too.
func endMessage(env *envelope, t *telling) {
	if u := readUsage(env.data, env.values[fieldUsage]); u.tried() {
		t.meter.setFinal(u)
	}
	var delta envelope
	if delta.nested(env.data, env.values[fieldDelta]) {
		t.meter.see(0, delta.has(fieldStopReason))
	}
}
