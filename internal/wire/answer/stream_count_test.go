package answer

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Events with generated text are counted, and the input is known when every
// prompt has told its own.
func TestStreamCounts(t *testing.T) {
	const (
		role  = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}` + "\n\n"
		text  = `data: {"choices":[{"index":0,"delta":{"content":"a","reasoning":"b"}}]}` + "\n\n"
		told  = `data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}` + "\n\n"
		third = `data: {"choices":[{"index":2,"text":"a"}],"usage":{"prompt_tokens":4,"completion_tokens":1}}` + "\n\n"
		last  = `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}` + "\n\n"
		block = "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}` + "\n\n"
		begin = `data: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":0}}}` + "\n\n"
		delta = `data: {"type":"response.output_text.delta","delta":"a"}` + "\n\n"
		done  = `data: {"type":"response.output_text.done","text":"aaaa"}` + "\n\n"
	)
	type counts struct {
		events, unmetered int64
		input             bool
	}
	lists := StreamOptions{Choices: 2, Prompts: 2}
	tests := map[string]struct {
		endpoint wire.Endpoint
		options  StreamOptions
		stream   string
		want     counts
	}{
		"nothing":                {wire.ChatCompletions, StreamOptions{}, "", counts{}},
		"no text":                {wire.ChatCompletions, StreamOptions{}, role, counts{}},
		"no usage":               {wire.ChatCompletions, StreamOptions{}, role + text + text, counts{2, 2, false}},
		"usage":                  {wire.ChatCompletions, StreamOptions{}, text + told, counts{2, 0, true}},
		"text after usage":       {wire.ChatCompletions, StreamOptions{}, told + text, counts{2, 1, true}},
		"an event that broke":    {wire.ChatCompletions, StreamOptions{}, told + text[:40], counts{1, 0, true}},
		"one prompt of two":      {wire.Completions, lists, told + told, counts{2, 0, false}},
		"the other prompt":       {wire.Completions, lists, told + third, counts{2, 0, true}},
		"the total":              {wire.Completions, lists, told + last, counts{1, 0, true}},
		"messages":               {wire.Messages, StreamOptions{}, begin + block + block, counts{2, 2, true}},
		"responses, counts once": {wire.Responses, StreamOptions{}, delta + delta + done, counts{2, 2, false}},
	}
	for name, tt := range tests {
		s := newStream(tt.endpoint, tt.options)
		relayString(s, tt.stream)
		if got := (counts{s.Tally().OutputEvents, s.Tally().UnmeteredEvents, s.Tally().InputTold()}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
		s.Reset(tt.endpoint, tt.options)
		if got := (counts{s.Tally().OutputEvents, s.Tally().UnmeteredEvents, s.Tally().InputTold()}); got != (counts{}) {
			t.Errorf("%s: after Reset %+v", name, got)
		}
	}
}

// What broke off in the middle of an event is no text: most of it is the frame.
func TestStreamOfABrokenEvent(t *testing.T) {
	s := newStream(wire.ChatCompletions, StreamOptions{})
	relayString(s, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"del`)
	if n := s.Tally().Output.Bytes(); n != 0 {
		t.Errorf("%d bytes are counted", n)
	}
}
