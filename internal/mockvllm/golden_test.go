package mockvllm

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden keeps the exact bytes of every kind of answer.
func TestGolden(t *testing.T) {
	const (
		hello  = `"model":"m","messages":[{"role":"user","content":"Say hello, please."}]`
		two    = `"mock":{"output_tokens":2}`
		usage  = `"stream":true,"stream_options":{"include_usage":true}`
		always = `"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`
		format = `"response_format":{"type":"json_schema","json_schema":{"name":"greeting","schema":{"type":"object",` +
			`"properties":{"count":{"type":"integer"},"words":{"type":"string"}},"required":["count","words"]}}}`
		tools = `"tools":[{"type":"function","function":{"name":"look_up"}}]`
	)
	for _, c := range []struct{ name, path, body string }{
		{"chat", "/v1/chat/completions", `{` + hello + `,` + two + `}`},
		{"chat_cached", "/v1/chat/completions", `{` + hello + `,"mock":{"output_tokens":2,"cached_tokens":3,"reasoning_tokens":1}}`},
		{"chat_choices", "/v1/chat/completions", `{` + hello + `,"n":2,"max_tokens":2,"mock":{"choice_tokens":[1,3]}}`},
		{"chat_logprobs", "/v1/chat/completions", `{` + hello + `,"logprobs":true,` + two + `}`},
		{"chat_top_logprobs", "/v1/chat/completions", `{` + hello + `,"logprobs":true,"top_logprobs":2,"mock":{"output_tokens":1}}`},
		{"chat_structured", "/v1/chat/completions", `{` + hello + `,` + format + `,"mock":{"output_tokens":3,"reasoning_tokens":1}}`},
		{"chat_structured_capped", "/v1/chat/completions", `{` + hello + `,` + format + `,"max_tokens":2,"mock":{"output_tokens":9}}`},
		{"chat_tool", "/v1/chat/completions", `{` + hello + `,` + tools + `,"mock":{"output_tokens":2,"tool_call":true}}`},
		{"chat_korean", "/v1/chat/completions", `{` + hello + `,"mock":{"output_tokens":5,"language":"ko"}}`},
		{"chat_no_usage", "/v1/chat/completions", `{` + hello + `,"mock":{"output_tokens":1,"usage":"none"}}`},
		{"chat_stream", "/v1/chat/completions", `{` + hello + `,"stream":true,` + two + `}`},
		{"chat_stream_usage", "/v1/chat/completions", `{` + hello + `,` + usage + `,` + two + `}`},
		{"chat_stream_continuous", "/v1/chat/completions", `{` + hello + `,` + always + `,"n":2,"mock":{"choice_tokens":[1,2],"cached_tokens":2}}`},
		{"chat_stream_reasoning", "/v1/chat/completions", `{` + hello + `,"stream":true,"mock":{"output_tokens":2,"reasoning_tokens":1}}`},
		{"chat_stream_tool", "/v1/chat/completions", `{` + hello + `,"stream":true,` + tools + `,"mock":{"output_tokens":2,"tool_call":true}}`},
		{"chat_stream_structured", "/v1/chat/completions", `{` + hello + `,"stream":true,` + format + `,"mock":{"output_tokens":3,"reasoning_tokens":1}}`},
		{"chat_stream_logprobs", "/v1/chat/completions", `{` + hello + `,"stream":true,"logprobs":true,"mock":{"output_tokens":1}}`},
		{"chat_stream_empty", "/v1/chat/completions", `{` + hello + `,"stream":true,"mock":{"output_tokens":0}}`},
		{"chat_stream_error", "/v1/chat/completions", `{` + hello + `,"stream":true,"mock":{"fail":"error","after_tokens":1}}`},
		{"chat_stream_error_first", "/v1/chat/completions", `{` + hello + `,"stream":true,"mock":{"fail":"error"}}`},
		{"chat_stream_framing", "/v1/chat/completions", `{` + hello + `,"stream":true,"mock":{"output_tokens":1,"line_end":"crlf","bom":true,"comments":true,"multiline":true}}`},
		{"completion", "/v1/completions", `{"model":"m","prompt":"Once upon a time",` + two + `}`},
		{"completion_logprobs", "/v1/completions", `{"model":"m","prompt":"Once","logprobs":1,` + two + `}`},
		{"completion_prompts", "/v1/completions", `{"model":"m","prompt":["Once","upon a time"],"n":2,"best_of":3,"mock":{"output_tokens":1}}`},
		{"completion_ids", "/v1/completions", `{"model":"m","prompt":[[1,2,3],[4]],"mock":{"output_tokens":1}}`},
		{"completion_stream", "/v1/completions", `{"model":"m","prompt":"Once","stream":true,"max_tokens":2,"mock":{"output_tokens":9}}`},
		{"completion_stream_null", "/v1/completions", `{"model":"m","prompt":"Once","stream":true,"mock":{"output_tokens":1,"null_usage":true}}`},
		{"completion_stream_continuous", "/v1/completions", `{"model":"m","prompt":["Once","upon a time"],"n":2,` + always + `,"mock":{"output_tokens":1}}`},
		{"response", "/v1/responses", `{"model":"m","input":"Say hello.","max_output_tokens":1,` + two + `}`},
		{"response_structured", "/v1/responses", `{"model":"m","input":"Say hello.","text":{"format":{"type":"json_object"}},` + two + `}`},
		{"response_stream", "/v1/responses", `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"Say hello."}]}],"stream":true,"mock":{"output_tokens":2,"cached_tokens":4}}`},
		{"response_tool", "/v1/responses", `{"model":"m","input":"Say hello.","tools":[{"type":"function","name":"look_up"}],"mock":{"output_tokens":2,"tool_call":true}}`},
		{"response_stream_tool", "/v1/responses", `{"model":"m","input":"Say hello.","stream":true,"tools":[{"type":"function","name":"look_up"}],"mock":{"output_tokens":2,"tool_call":true}}`},
		{"response_stream_error", "/v1/responses", `{"model":"m","input":"Say hello.","stream":true,"mock":{"output_tokens":2,"fail":"error","after_tokens":1}}`},
		{"messages", "/v1/messages", `{"model":"m","max_tokens":9,"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}],` + two + `}`},
		{"messages_stream", "/v1/messages", `{` + hello + `,"max_tokens":2,"stream":true,"mock":{"output_tokens":9,"reasoning_tokens":1,"ping":true}}`},
		{"messages_stream_cached", "/v1/messages", `{` + hello + `,"max_tokens":9,"stream":true,"mock":{"output_tokens":1,"cached_tokens":5}}`},
		{"messages_stream_tool", "/v1/messages", `{` + hello + `,"max_tokens":9,"stream":true,"tools":[{"name":"look_up","input_schema":{}}],"mock":{"output_tokens":2,"tool_call":true}}`},
		{"messages_stream_error", "/v1/messages", `{` + hello + `,"max_tokens":9,"stream":true,"mock":{"fail":"error","after_tokens":1}}`},
		{"messages_unknown_model", "/v1/messages", `{"model":"x","max_tokens":9,"messages":[]}`},
		{"count_tokens", "/v1/messages/count_tokens", `{` + hello + `}`},
		{"embeddings", "/v1/embeddings", `{"model":"m","input":["Once","upon a time"]}`},
		{"embeddings_base64", "/v1/embeddings", `{"model":"m","input":"Once","encoding_format":"base64"}`},
		{"rerank", "/v1/rerank", `{"model":"m","query":"when","documents":["Once",{"text":"upon a time"}]}`},
		{"pooling", "/pooling", `{"model":"m","input":["Once","upon a time"]}`},
		{"classify", "/classify", `{"model":"m","input":["Once","upon a time"]}`},
		{"score", "/v1/score", `{"model":"m","text_1":"when","text_2":["Once","upon a time"]}`},
		{"tokenize", "/tokenize", `{"model":"m","prompt":"안녕, hello 2026"}`},
		{"detokenize", "/detokenize", `{"model":"m","tokens":[15504776,15435157,44,35632750292079,540160050,54]}`},
		{"error_model", "/v1/chat/completions", `{"model":"x","messages":[]}`},
		{"error_context", "/v1/chat/completions", `{` + hello + `,"max_tokens":200}`},
		{"error_stream_options", "/v1/chat/completions", `{` + hello + `,"stream_options":{"include_usage":true}}`},
		{"error_queue_full", "/v1/chat/completions", `{` + hello + `,"mock":{"fail":"queue-full"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{
				Models: []Model{{Name: "m", ContextLength: 128}},
				Clock:  func() time.Time { return epoch },
			})
			golden(t, c.name, call(s, http.MethodPost, c.path, "req-1", c.body).Body.String())
		})
	}
	for _, path := range []string{"/v1/models", "/version", "/metrics", "/nowhere"} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s := New(Options{Models: []Model{{Name: "m"}, {Name: "org/\"n\""}}, Clock: func() time.Time { return epoch }})
			golden(t, filepath.Base(path), call(s, http.MethodGet, path, "", "").Body.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("answer differs from %s (-want +got):\n%s", path, diff)
	}
}
