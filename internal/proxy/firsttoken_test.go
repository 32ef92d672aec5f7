package proxy

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// TestFirstToken: what a model server sends before it has generated anything is
// not its first token.
func TestFirstToken(t *testing.T) {
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		events   []string // of which the last has the first token
	}{
		{"chat", wire.ChatCompletions, []string{
			": waiting\n\n",
			`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":{"prompt_tokens":3,"completion_tokens":0}}` + "\n\n",
			`data: {"choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n",
		}},
		{"a token without text", wire.Completions, []string{
			`data: {"choices":[{"index":0,"text":""}],"usage":{"prompt_tokens":3,"completion_tokens":1}}` + "\n\n",
		}},
		{"messages", wire.Messages, []string{
			`data: {"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":0}}}` + "\n\n",
			`data: {"type":"ping"}` + "\n\n",
			`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n",
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}` + "\n\n",
		}},
		{"responses", wire.Responses, []string{
			`data: {"type":"response.created","sequence_number":0,"response":{"id":"r","usage":null}}` + "\n\n",
			`data: {"type":"response.output_text.delta","sequence_number":1,"delta":"a"}` + "\n\n",
		}},
	}
	for _, tt := range tests {
		x := new(exchange)
		x.stream.Reset(tt.endpoint, answer.StreamOptions{})
		for i, event := range tt.events {
			x.stream.Event(nil, sse.Parse([]byte(event)))
			x.arrived()
			if last := i == len(tt.events)-1; x.pace.First.IsZero() == last || x.pace.Last.IsZero() {
				t.Errorf("%s: after event %d the first token is of %v", tt.name, i, x.pace.First)
			}
		}
	}
}
