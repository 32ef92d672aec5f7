package anthropic

import (
	"fmt"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Message is where a stream of Anthropic's messages stands for its client. The zero value is its
// beginning.
type Message struct {
	isOpen bool  // a content block has begun and not stopped
	block  int64 // its index
}

// Read meters an event, and reports whether it is the last one. The input is in message_start,
// the output in message_delta, cumulative, so that the second is a total. What vLLM sends:
// vllm/entrypoints/anthropic/serving.py, message_stream_converter.
func (m *Message) Read(env *event.Envelope, es *event.Edits, t *metering.Telling) (isLast bool) {
	sink := t.Meter.Sink(false)
	switch string(env.Inner(event.MemberType)) {
	case "message_start":
		startMessage(env, es, t)
	case "content_block_start":
		m.block, _ = env.Count(event.MemberIndex)
		m.isOpen = true
		sink.AddPartAt(env, event.MemberContentBlock)
	case "content_block_delta":
		sink.AddPartAt(env, event.MemberDelta)
	case "content_block_stop":
		m.isOpen = false
	case "message_delta":
		endMessage(env, t)
	case "message_stop":
		return true
	}
	return false
}

func startMessage(env *event.Envelope, es *event.Edits, t *metering.Telling) {
	var message event.Envelope
	if !message.Nested(env, event.MemberMessage) {
		return
	}
	t.Ident.Note(&message)
	t.Rename(&message, es)
	if u := metering.ReadUsage(&message); u.Tried() {
		t.Meter.SetRunning(0, u)
	}
}

// endMessage reads a message_delta. The input is as message_start has told it, unless it is here
// too.
func endMessage(env *event.Envelope, t *metering.Telling) {
	if u := metering.ReadUsage(env); u.Tried() {
		t.Meter.SetFinal(u)
	}
	var delta event.Envelope
	if delta.Nested(env, event.MemberDelta) {
		t.Meter.See(0, delta.Has(event.MemberStopReason))
	}
}

// AppendEnd appends the end of the message: content_block_stop if a block is open, message_delta
// with the stop_reason "max_tokens" and the usage, message_stop.
func (m *Message) AppendEnd(dst []byte, t *metering.Telling, used wire.Usage) []byte {
	if m.isOpen {
		dst = fmt.Appendf(dst, "event: content_block_stop\n"+
			`data: {"type":"content_block_stop","index":%d}`+"\n\n", m.block)
	}
	if !t.Meter.AllFinished() {
		dst = fmt.Appendf(dst, "event: message_delta\n"+
			`data: {"type":"message_delta",`+
			`"delta":{"stop_reason":"max_tokens","stop_sequence":null},`+
			`"usage":{"input_tokens":%d,"output_tokens":%d`, used.Input-used.Cached, used.Output)
		if used.Cached > 0 {
			dst = fmt.Appendf(dst, `,"cache_read_input_tokens":%d`, used.Cached)
		}
		dst = append(dst, "}}\n\n"...)
	}
	return append(dst, "event: message_stop\n"+`data: {"type":"message_stop"}`+"\n\n"...)
}
