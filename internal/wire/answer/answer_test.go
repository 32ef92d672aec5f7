package answer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

const chatAnswer = `{"id":"chatcmpl-8f14e45fceea167a5a36dedd4bea2543","object":"chat.completion","created":1763800000,"model":"served/name","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, \"friend\".\n","refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[],"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"service_tier":null,"system_fingerprint":null,"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":16}},"prompt_logprobs":null,"prompt_token_ids":null,"kv_transfer_params":null}`

func TestReadAnswer(t *testing.T) {
	tests := []struct {
		name     string
		endpoint wire.Endpoint
		body     string
		usage    wire.Usage
		has      bool
		text     string
	}{
		{"chat", wire.ChatCompletions, chatAnswer, wire.Usage{Input: 25, Output: 7, Cached: 16}, true, "Hello there, \"friend\".\n"},
		{"chat, two choices with tools", wire.ChatCompletions,
			`{"choices":[{"message":{"content":[{"type":"text","text":"ab"}]}},{"message":{"content":null,"reasoning":"cd","tool_calls":[{"function":{"name":"e","arguments":"{}"}}]}}],"usage":null}`,
			wire.Usage{}, false, "abe{}cd"},
		{"completions", wire.Completions, `{"choices":[{"text":"ab"},{"text":"cd"}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`, wire.Usage{}, true, "abcd"},
		{"more cached than there is", wire.ChatCompletions, `{"usage":{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}}`, wire.Usage{Input: 5, Output: 1, Cached: 5}, true, ""},
		{"usage absent", wire.ChatCompletions, `{"choices":[]}`, wire.Usage{}, false, ""},
		{"embeddings", wire.Embeddings, `{"id":"embd-1","object":"list","model":"m","data":[{"index":0,"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":6,"total_tokens":6,"completion_tokens":0,"prompt_tokens_details":null}}`, wire.Usage{Input: 6, Output: 0, Cached: 0}, true, ""},
		{"rerank", wire.Rerank, `{"id":"score-1","model":"m","usage":{"total_tokens":56},"results":[{"index":0,"document":{"text":"abc"},"relevance_score":0.9}]}`, wire.Usage{Input: 56, Output: 0, Cached: 0}, true, ""},
		{"score", wire.Score, `{"data":[{"index":0,"score":1}],"usage":{"prompt_tokens":42,"total_tokens":42}}`, wire.Usage{Input: 42, Output: 0, Cached: 0}, true, ""},
		{"responses", wire.Responses,
			`{"model":"m","output":[{"type":"reasoning","summary":[{"text":"a"}],"content":[{"text":"b","type":"reasoning_text"}]},{"type":"message","content":[{"type":"output_text","text":"c"}]},{"type":"function_call","name":"d","arguments":"e"}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"total_tokens":16}}`,
			wire.Usage{Input: 9, Output: 7, Cached: 4}, true, "abcde"},
		{"messages", wire.Messages,
			`{"model":"m","content":[{"type":"thinking","thinking":"a","signature":"zzz"},{"type":"text","text":"b"},{"type":"tool_use","id":"x","name":"c","input":{"d":1}}],"usage":{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":3}}`,
			wire.Usage{Input: 8, Output: 2, Cached: 3}, true, `abc{"d":1}`},
		{"not JSON", wire.ChatCompletions, `{"choices":[{"mess`, wire.Usage{}, false, `{"choices":[{"mess`},
		{"model twice", wire.ChatCompletions, `{"model":"a","usage":{"prompt_tokens":1},"model":"a"}`, wire.Usage{}, false, `{"model":"a","usage":{"prompt_tokens":1},"model":"a"}`},
		{"another member twice", wire.Embeddings, `{"x":1,"usage":{"prompt_tokens":1},"x":2}`, wire.Usage{Input: 1, Output: 0, Cached: 0}, true, ""},
		{"no valid JSON behind the usage", wire.Embeddings, `{"usage":{"prompt_tokens":1},"x":[tru]}`, wire.Usage{}, false, `{"usage":{"prompt_tokens":1},"x":[tru]}`},
		{"more behind the object", wire.Embeddings, `{"usage":{"prompt_tokens":1}}}`, wire.Usage{}, false, `{"usage":{"prompt_tokens":1}}}`},
		{"twice the same", wire.ChatCompletions, `{"usage":null,"usage":{"prompt_tokens":1}}`, wire.Usage{}, false, `{"usage":null,"usage":{"prompt_tokens":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Read([]byte(tt.body))
			if a.Usage != tt.usage || a.HasUsage() != tt.has {
				t.Errorf("usage %+v, %v, want %+v, %v", a.Usage, a.HasUsage(), tt.usage, tt.has)
			}
			if got, want := Text(tt.endpoint, []byte(tt.body)), counted(tt.text); !got.Equal(want) {
				t.Errorf("text %+v, want %+v", got, want)
			}
		})
	}
}

func TestAnswerAppendPieces(t *testing.T) {
	tests := []struct{ name, body, model, want string }{
		{"chat", chatAnswer, "llama2-7b", strings.Replace(chatAnswer, "served/name", "llama2-7b", 1)},
		{"white space", `{ "model" : "a" , "x":1}`, `p"`, `{ "model" : "p\"" , "x":1}`},
		{"no name", `{"model":"a"}`, "", `{"model":"a"}`},
		{"no model", `{"choices":[{"model":"a"}]}`, "p", `{"choices":[{"model":"a"}]}`},
		{"model null", `{"model":null}`, "p", `{"model":null}`},
		{"not JSON", `{"model":"a"`, "p", `{"model":"a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Read([]byte(tt.body))
			got := string(renamed(&a, []byte("x"), []byte(tt.body), tt.model))
			if diff := cmp.Diff("x"+tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(uint8(0), []byte(chatAnswer))
	f.Fuzz(func(t *testing.T, e uint8, body []byte) {
		a := Read(body)
		text := Text(wire.Endpoints[int(e)%len(wire.Endpoints)], body)
		if text.Bytes() < 0 || text.Bytes() > int64(len(body)) {
			t.Fatalf("%d bytes of text in %q", text.Bytes(), body)
		}
		if u := a.Usage; u.Input < 0 || u.Output < 0 || u.Cached < 0 || u.Cached > u.Input {
			t.Fatalf("usage %+v", u)
		}
		if got := renamed(&a, nil, body, ""); string(got) != string(body) {
			t.Fatalf("%q became %q", body, got)
		}
		if !json.Valid(body) && a != (Answer{}) {
			t.Fatalf("%q is not JSON and tells %+v", body, a)
		}
		var env event.Envelope
		if !env.Parse(body) {
			return
		}
		want := metering.ReadUsage(&env)
		if want.HasUsage() != a.HasUsage() || a.HasUsage() && want.Usage != a.Usage || (env.Inner(event.MemberModel) != nil) != a.model.IsSet() {
			t.Fatalf("%q tells %+v, by its envelope %+v, %v", body, a, want, env.Values[event.MemberModel])
		}
	})
}

func BenchmarkReadAnswer(b *testing.B) {
	for _, bb := range []struct{ name, body string }{
		{"Full", chatAnswer},
		{"Small", `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"llama2-7b","choices":[{"index":0,"message":{"role":"assistant","content":"Eight or so."},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":4,"total_tokens":22}}`},
		{"Embedding", `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.0123` + strings.Repeat(",-0.0123456789", 1023) + `]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}`},
		{"Long", strings.Replace(chatAnswer, "Hello", strings.Repeat("Hello there, and so on.\\n", 100), 1)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			body := []byte(bb.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if a := Read(body); !a.HasUsage() {
					b.Fatal("no usage")
				}
			}
		})
	}
}
