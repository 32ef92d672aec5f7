package proxy

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// TestSilence: a model server is taken for one that tells no usage before the end after so
// many events with text and none of it, where it was asked to tell.
func TestSilence(t *testing.T) {
	for _, tt := range []struct {
		name     string
		endpoint wire.Endpoint
		quirk    catalog.Quirk
		events   int
		usage    string
		silent   bool
	}{
		{"too early to tell", wire.ChatCompletions, catalog.Quirk{}, silentEvents - 1, ``, false},
		{"no usage", wire.ChatCompletions, catalog.Quirk{}, silentEvents, ``, true},
		{"usage", wire.ChatCompletions, catalog.Quirk{}, silentEvents, `,"usage":{"prompt_tokens":9,"completion_tokens":1}`, false},
		{"not asked to tell", wire.ChatCompletions, catalog.Quirk{Asked: catalog.TotalOnly}, silentEvents, ``, false},
		{"nothing to ask for", wire.Messages, catalog.Quirk{}, silentEvents, ``, false},
	} {
		x := new(exchange)
		x.request = request.Request{Endpoint: tt.endpoint, Stream: true}
		x.model, x.quirk = &catalog.Model{Quirks: new(catalog.Quirks)}, tt.quirk
		x.response = &upstream.Response{Server: "a:8000"}
		x.stream.Reset(tt.endpoint, answer.StreamOptions{})
		event := `data: {"choices":[{"index":0,"delta":{"content":"some "}}]` + tt.usage + "}\n\n"
		if tt.endpoint == wire.Messages {
			event = `data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"some "}}` + "\n\n"
		}
		for range tt.events {
			x.stream.Event(nil, sse.Parse([]byte(event)))
		}
		if x.noteSilence(); x.model.Quirks.Any() != tt.silent {
			t.Errorf("%s: it is remembered: %v", tt.name, x.model.Quirks.Any())
		}
	}
}
