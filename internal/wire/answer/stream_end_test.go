package answer

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// shownEvent is an event as tests compare it: what a client would make of it.
type shownEvent struct{ Name, Data string }

// checkEvents checks that a text is whole events with JSON or [DONE] as data,
// and returns them.
func checkEvents(t *testing.T, text string) (events []shownEvent) {
	t.Helper()
	scanner := newScanner(strings.NewReader(text))
	for {
		scanned, err := scanner.Next()
		if err == io.EOF {
			return events
		}
		ev := sse.Parse(scanned.Raw)
		if err != nil || scanned.Partial || !new(event.Envelope).Parse(ev.Data) && string(ev.Data) != "[DONE]" {
			t.Fatalf("%q is not a whole event (%v)", ev.Raw, err)
		}
		events = append(events, shownEvent{string(ev.Name), string(ev.Data)})
	}
}

func TestAppendFinish(t *testing.T) {
	chat := strings.SplitAfter(script{n: 2, prompts: 1, tokens: 2}.forced().chat(), "\n\n")
	list := strings.SplitAfter(script{n: 1, prompts: 2, tokens: 2, spelled: true}.forced().completions(), "\n\n")
	messages := strings.SplitAfter(messagesStream, "\n\n")
	responses := strings.SplitAfter(responsesStream, "\n\n")
	const chunk = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763800000,"model":"p",`
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		options  StreamOptions
		events   []string
		want     []shownEvent
	}{
		{"chat", wire.ChatCompletions, StreamOptions{Choices: 2}, chat[:3], []shownEvent{
			{Data: chunk + `"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length","stop_reason":null}]}`},
			{Data: chunk + `"choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"length","stop_reason":null}]}`},
			{Data: "[DONE]"}}},
		{"chat with usage", wire.ChatCompletions, StreamOptions{Choices: 2, IncludeUsage: true, ContinuousUsage: true}, chat[:5], []shownEvent{
			{Data: chunk + `"choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"length","stop_reason":null}],"usage":{"prompt_tokens":25,"total_tokens":26,"completion_tokens":1}}`},
			{Data: chunk + `"choices":[],"usage":{"prompt_tokens":30,"total_tokens":40,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":8}}}`},
			{Data: "[DONE]"}}},
		{"chat, only done is missing", wire.ChatCompletions, StreamOptions{Choices: 2, IncludeUsage: true}, chat[:7], []shownEvent{{Data: "[DONE]"}}},
		{"completions", wire.Completions, StreamOptions{Prompts: 2}, list[:1], []shownEvent{
			{Data: `{"id":"cmpl-1","object":"text_completion","created":1763800000,"model":"p","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length","stop_reason":null}],"usage":null}`},
			{Data: "[DONE]"}}},
		{"messages", wire.Messages, StreamOptions{}, messages[:8], []shownEvent{
			{Name: "content_block_stop", Data: `{"type":"content_block_stop","index":1}`},
			{Name: "message_delta", Data: `{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"input_tokens":22,"output_tokens":10,"cache_read_input_tokens":8}}`},
			{Name: "message_stop", Data: `{"type":"message_stop"}`}}},
		{"messages, only the end is missing", wire.Messages, StreamOptions{}, messages[:10], []shownEvent{
			{Name: "message_stop", Data: `{"type":"message_stop"}`}}},
		{"responses", wire.Responses, StreamOptions{}, responses[:3], []shownEvent{
			{Name: "response.incomplete", Data: `{"type":"response.incomplete","sequence_number":3,"response":{"id":"resp_3","object":"response","created_at":1763800000,"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},"instructions":null,"metadata":{},"model":"p","output":[],"parallel_tool_calls":true,"temperature":null,"tool_choice":"auto","tools":[],"top_p":null,"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":8},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":40}}}`}}},
		{"nothing has come", wire.ChatCompletions, StreamOptions{}, nil, nil},
		{"all has come", wire.ChatCompletions, StreamOptions{Choices: 2}, chat, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.PublicModel = "p"
			s := newStream(tt.endpoint, tt.options)
			relayString(s, strings.Join(tt.events, ""))
			end := string(s.AppendFinish(nil, wire.Usage{Input: 30, Output: 10, Cached: 8}))
			if diff := cmp.Diff(tt.want, checkEvents(t, end)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := s.AppendFinish(nil, wire.Usage{}); len(again) > 0 {
				t.Errorf("a second end: %s", again)
			}
			checkFinished(t, tt.endpoint, tt.options, strings.Join(tt.events, "")+end)
		})
	}
}

// checkFinished checks that the client takes the whole for a complete answer.
func checkFinished(t *testing.T, e wire.Endpoint, o StreamOptions, whole string) {
	t.Helper()
	if whole == "" {
		return
	}
	client := newStream(e, o)
	relayString(client, whole)
	if !client.Complete() {
		t.Errorf("the client does not see the end of %s", whole)
	}
}

func TestAppendFinishFingerprint(t *testing.T) {
	s := newStream(wire.ChatCompletions, StreamOptions{})
	relayString(s, `data: {"id":"1","choices":[{"index":0}],"system_fingerprint":"fp_1"}`+"\n\n")
	want := `data: {"id":"1","object":null,"created":null,"model":null,"system_fingerprint":"fp_1","choices":[`
	if got := string(s.AppendFinish(nil, wire.Usage{})); !strings.HasPrefix(got, want) {
		t.Errorf("%s, want it to begin %s", got, want)
	}
}

func TestAppendError(t *testing.T) {
	broken := wire.ErrorBody{Status: 502, Type: "upstream_error", Code: "upstream_error", Why: failure.Upstream("the model server broke off")}
	chat := strings.SplitAfter(script{n: 1, prompts: 1, tokens: 2}.forced().chat(), "\n\n")
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		stream   string
		want     string
	}{
		{"chat", wire.ChatCompletions, chat[0],
			`data: {"error":{"message":"the model server broke off","type":"upstream_error","param":null,"code":"upstream_error"}}` + "\n\n"},
		{"messages", wire.Messages, messagesStream[:strings.Index(messagesStream, "event: ping")],
			"event: error\n" + `data: {"type":"error","error":{"type":"api_error","message":"the model server broke off","code":"upstream_error"}}` + "\n\n"},
		{"responses", wire.Responses, responsesStream[:strings.Index(responsesStream, "event: response.output_item.added")],
			"event: error\n" + `data: {"type":"error","code":"upstream_error","message":"the model server broke off","param":null,"sequence_number":1}` + "\n\n"},
		{"after an open event", wire.ChatCompletions, strings.TrimRight(chat[0], "\n"),
			"\n\n" + `data: {"error":{"message":"the model server broke off","type":"upstream_error","param":null,"code":"upstream_error"}}` + "\n\n"},
		{"after the end", wire.ChatCompletions, "data: [DONE]\n\n", ""},
		{"after an error", wire.ChatCompletions, `data: {"error":{"message":"x"}}` + "\n\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(tt.endpoint, StreamOptions{})
			relayString(s, tt.stream)
			if diff := cmp.Diff(tt.want, string(s.AppendError(nil, broken))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := s.AppendError(nil, broken); len(again) > 0 {
				t.Errorf("a second error: %s", again)
			}
		})
	}
}
