package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const chatAnswer = `{"id":"chatcmpl-8f14e45fceea167a5a36dedd4bea2543","object":"chat.completion","created":1763800000,"model":"served/name","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, \"friend\".\n","refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[],"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"service_tier":null,"system_fingerprint":null,"usage":{"prompt_tokens":25,"total_tokens":32,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":16}},"prompt_logprobs":null,"prompt_token_ids":null,"kv_transfer_params":null}`

func TestReadAnswer(t *testing.T) {
	tests := []struct {
		name     string
		endpoint Endpoint
		body     string
		usage    Usage
		has      bool
		text     string
	}{
		{"chat", ChatCompletions, chatAnswer, Usage{25, 7, 16}, true, "Hello there, \"friend\".\n"},
		{"chat, two choices with tools", ChatCompletions,
			`{"choices":[{"message":{"content":[{"type":"text","text":"ab"}]}},{"message":{"content":null,"reasoning":"cd","tool_calls":[{"function":{"name":"e","arguments":"{}"}}]}}],"usage":null}`,
			Usage{}, false, "abe{}cd"},
		{"completions", Completions, `{"choices":[{"text":"ab"},{"text":"cd"}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`, Usage{}, true, "abcd"},
		{"more cached than there is", ChatCompletions, `{"usage":{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}}`, Usage{5, 1, 5}, true, ""},
		{"usage absent", ChatCompletions, `{"choices":[]}`, Usage{}, false, ""},
		{"embeddings", Embeddings, `{"id":"embd-1","object":"list","model":"m","data":[{"index":0,"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":6,"total_tokens":6,"completion_tokens":0,"prompt_tokens_details":null}}`, Usage{6, 0, 0}, true, ""},
		{"rerank", Rerank, `{"id":"score-1","model":"m","usage":{"total_tokens":56},"results":[{"index":0,"document":{"text":"abc"},"relevance_score":0.9}]}`, Usage{56, 0, 0}, true, ""},
		{"score", Score, `{"data":[{"index":0,"score":1}],"usage":{"prompt_tokens":42,"total_tokens":42}}`, Usage{42, 0, 0}, true, ""},
		{"responses", Responses,
			`{"model":"m","output":[{"type":"reasoning","summary":[{"text":"a"}],"content":[{"text":"b","type":"reasoning_text"}]},{"type":"message","content":[{"type":"output_text","text":"c"}]},{"type":"function_call","name":"d","arguments":"e"}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,"total_tokens":16}}`,
			Usage{9, 7, 4}, true, "abcde"},
		{"messages", Messages,
			`{"model":"m","content":[{"type":"thinking","thinking":"a","signature":"zzz"},{"type":"text","text":"b"},{"type":"tool_use","id":"x","name":"c","input":{"d":1}}],"usage":{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":3}}`,
			Usage{8, 2, 3}, true, `abc{"d":1}`},
		{"not JSON", ChatCompletions, `{"choices":[{"mess`, Usage{}, false, `{"choices":[{"mess`},
		{"model twice", ChatCompletions, `{"model":"a","usage":{"prompt_tokens":1},"model":"a"}`, Usage{}, false, `{"model":"a","usage":{"prompt_tokens":1},"model":"a"}`},
		{"another member twice", Embeddings, `{"x":1,"usage":{"prompt_tokens":1},"x":2}`, Usage{1, 0, 0}, true, ""},
		{"no valid JSON behind the usage", Embeddings, `{"usage":{"prompt_tokens":1},"x":[tru]}`, Usage{}, false, `{"usage":{"prompt_tokens":1},"x":[tru]}`},
		{"more behind the object", Embeddings, `{"usage":{"prompt_tokens":1}}}`, Usage{}, false, `{"usage":{"prompt_tokens":1}}}`},
		{"twice the same", ChatCompletions, `{"usage":null,"usage":{"prompt_tokens":1}}`, Usage{}, false, `{"usage":null,"usage":{"prompt_tokens":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ReadAnswer([]byte(tt.body))
			if a.Usage != tt.usage || a.HasUsage() != tt.has {
				t.Errorf("usage %+v, %v, want %+v, %v", a.Usage, a.HasUsage(), tt.usage, tt.has)
			}
			if got, want := AnswerText(tt.endpoint, []byte(tt.body)), counted(tt.text); !got.Equal(want) {
				t.Errorf("text %+v, want %+v", got, want)
			}
		})
	}
}

func TestAnswerAppendBody(t *testing.T) {
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
			a := ReadAnswer([]byte(tt.body))
			got := string(a.AppendBody([]byte("x"), []byte(tt.body), tt.model))
			if diff := cmp.Diff("x"+tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(uint8(0), []byte(chatAnswer))
	f.Fuzz(func(t *testing.T, e uint8, body []byte) {
		a := ReadAnswer(body)
		text := AnswerText(Endpoints[int(e)%len(Endpoints)], body)
		if text.Bytes() < 0 || text.Bytes() > int64(len(body)) {
			t.Fatalf("%d bytes of text in %q", text.Bytes(), body)
		}
		if u := a.Usage; u.Input < 0 || u.Output < 0 || u.Cached < 0 || u.Cached > u.Input {
			t.Fatalf("usage %+v", u)
		}
		if got := a.AppendBody(nil, body, ""); string(got) != string(body) {
			t.Fatalf("%q became %q", body, got)
		}
		if !json.Valid(body) && a != (Answer{}) {
			t.Fatalf("%q is not JSON and tells %+v", body, a)
		}
		var env envelope
		if !env.parse(body) {
			return
		}
		want := readUsage(body, env.values[fieldUsage])
		if want.known() != a.HasUsage() || a.HasUsage() && want.Usage != a.Usage || (env.inner(fieldModel) != nil) != a.model.IsSet() {
			t.Fatalf("%q tells %+v, by its envelope %+v, %v", body, a, want, env.values[fieldModel])
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
				if a := ReadAnswer(body); !a.HasUsage() {
					b.Fatal("no usage")
				}
			}
		})
	}
}
