package request

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// textsOf counts texts that stand apart.
func textsOf(texts ...string) chars.Text {
	var sum chars.Text
	for _, s := range texts {
		sum.AddText(counted(s))
	}
	return sum
}

func parseOK(t *testing.T, e wire.Endpoint, body string, o Options) Request {
	t.Helper()
	r, err := Parse(e, []byte(body), o)
	if err != nil {
		t.Fatalf("ParseRequest(%s, %.200s): %v", e, body, err)
	}
	return r
}

// withoutText compares requests by their numbers.
var withoutText = cmp.Options{
	cmpopts.IgnoreFields(Request{}, "Text", "Optional", "Words", "Beside"),
	cmpopts.IgnoreUnexported(Request{}),
}

func TestParseRequestNumbers(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    wire.Endpoint
		body string
		want Request
	}{
		{"bare chat", wire.ChatCompletions, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
			Request{Model: "m", Content: Content{Messages: 1}}},
		{"white space everywhere", wire.ChatCompletions, " {\n\t\"model\" : \"m\" ,\r\n \"messages\" : [ ] , \"n\" : 2 } \n",
			Request{Model: "m", Sequences: 2, Choices: 2}},
		{"escaped names and model", wire.ChatCompletions, `{"mod\u0065l":"\u006d\/x","messages":[],"\u006e":3}`,
			Request{Model: "m/x", Sequences: 3, Choices: 3}},
		{"both caps", wire.ChatCompletions, `{"max_tokens":50,"max_completion_tokens":20}`, Request{OutputCap: 20}},
		{"one cap is null", wire.ChatCompletions, `{"max_tokens":50,"max_completion_tokens":null}`, Request{OutputCap: 50}},
		{"caps as fraction and power", wire.ChatCompletions, `{"max_tokens":50.0,"max_completion_tokens":1e2}`, Request{OutputCap: 50}},
		{"chat reads no max_output_tokens", wire.ChatCompletions, `{"max_output_tokens":"x"}`, Request{Dropped: "max_output_tokens"}},
		{"completion by default", wire.Completions, `{"prompt":"x"}`, Request{Prompts: 1, OutputCap: 16}},
		{"completion with null", wire.Completions, `{"prompt":"x","max_tokens":null}`, Request{OutputCap: 16}},
		{"completion that echoes", wire.Completions, `{"prompt":"x","echo":true,"max_tokens":0}`, Request{OutputCap: 1, Echo: true}},
		{"completion that echoes as pydantic reads it", wire.Completions, `{"prompt":"x","echo":1}`, Request{OutputCap: 16, Echo: true}},
		{"completion that does not echo", wire.Completions, `{"prompt":"x","echo":false}`, Request{OutputCap: 16}},
		{"responses", wire.Responses, `{"input":"x","instructions":"y","max_output_tokens":7,"max_tokens":3,"stream":true}`,
			Request{OutputCap: 7, Stream: true, Dropped: "max_tokens", Content: Content{Messages: 2}}},
		{"messages", wire.Messages, `{"max_tokens":9,"system":"s","messages":[{"role":"user","content":"x"}]}`,
			Request{OutputCap: 9, Content: Content{Messages: 2}}},
		{"min_tokens", wire.ChatCompletions, `{"min_tokens":5,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 5}},
		{"min_tokens above the cap", wire.ChatCompletions, `{"min_tokens":9,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 8}},
		{"ignore_eos", wire.ChatCompletions, `{"ignore_eos":true,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 8, IgnoreEOS: true}},
		{"ignore_eos without a cap", wire.ChatCompletions, `{"ignore_eos":true,"min_tokens":2}`, Request{MinOutput: 2, IgnoreEOS: true}},
		{"best_of", wire.Completions, `{"n":2,"best_of":5}`, Request{OutputCap: 16, Sequences: 5, Choices: 2}},
		{"beam search", wire.ChatCompletions, `{"n":4,"use_beam_search":true}`, Request{Sequences: 4, Choices: 4}},
		{"n null", wire.ChatCompletions, `{"n":null,"stream":null}`, Request{}},
		{"stream", wire.ChatCompletions, `{"stream":true}`, Request{Stream: true}},
		{"embeddings do not stream", wire.Embeddings, `{"input":"x","stream":true,"n":9}`, Request{Dropped: "stream, n"}},
		{"usage", wire.ChatCompletions, `{"stream":true,"stream_options":{"include_usage":true}}`, Request{Stream: true, IncludeUsage: true}},
		{"usage by default", wire.ChatCompletions, `{"stream":true,"stream_options":{}}`, Request{Stream: true, IncludeUsage: true}},
		{"usage null", wire.ChatCompletions, `{"stream":true,"stream_options":{"include_usage":null}}`, Request{Stream: true}},
		{"options null", wire.ChatCompletions, `{"stream":true,"stream_options":null}`, Request{Stream: true}},
		{"continuous", wire.Completions, `{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true}}`,
			Request{OutputCap: 16, Stream: true, IncludeUsage: true, ContinuousUsage: true}},
		{"continuous without usage", wire.ChatCompletions, `{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":false}}`,
			Request{Stream: true}},
		{"options without stream", wire.ChatCompletions, `{"stream_options":{"include_usage":true}}`, Request{}},
		{"truncation", wire.Embeddings, `{"input":"x","truncate_prompt_tokens":12}`, Request{TruncateInput: 12}},
		{"truncation to the context", wire.Embeddings, `{"input":"x","truncate_prompt_tokens":-1}`, Request{TruncateInput: -1}},
		{"truncation of responses", wire.Responses, `{"input":"x","truncation":"a\u0075to"}`, Request{TruncateInput: -1, Content: Content{Messages: 1}}},
		{"prompt list", wire.Completions, `{"prompt":["a","b","c"]}`, Request{OutputCap: 16, Prompts: 3}},
		{"token ids", wire.Completions, `{"prompt":[1,2, 3]}`, Request{OutputCap: 16, Content: Content{TokenIDs: 3}}},
		{"token id lists", wire.Completions, `{"prompt":[[1,2],[3],[]]}`, Request{OutputCap: 16, Prompts: 3, Content: Content{TokenIDs: 3}}},
		{"empty prompt list", wire.Completions, `{"prompt":[]}`, Request{OutputCap: 16}},
		{"embedding inputs", wire.Embeddings, `{"input":["a","b"]}`, Request{Prompts: 2}},
		{"embedding of messages", wire.Embeddings, `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, Request{Content: Content{Messages: 2}}},
		{"embedding of conversations", wire.Embeddings, `{"messages":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]]}`,
			Request{Prompts: 2, Content: Content{Messages: 2}}},
		{"embedding of messages as input", wire.Embeddings, `{"input":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, Request{Content: Content{Messages: 2}}},
		{"embedding of conversations as input", wire.Embeddings, `{"input":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]]}`,
			Request{Prompts: 2, Content: Content{Messages: 2}}},
		{"rerank", wire.Rerank, `{"query":"q","documents":["a","b","c"]}`, Request{Prompts: 3}},
		{"score one to many", wire.Score, `{"text_1":"q","text_2":["a","b"]}`, Request{Prompts: 2}},
		{"score pairs", wire.Score, `{"queries":["q","r"],"documents":["a","b"]}`, Request{Prompts: 2}},
		{"score many to one", wire.Score, `{"text_1":["q","r"],"text_2":"a"}`, Request{Prompts: 2}},
		{"embedding of messages and input", wire.Embeddings, `{"messages":[{"role":"user","content":"a"}],"input":"b"}`, Request{Twofold: true, Content: Content{Messages: 1}}},
		{"embedding of input, messages null", wire.Embeddings, `{"messages":null,"input":"b"}`, Request{}},
		{"chat with a prompt that goes", wire.ChatCompletions, `{"messages":[],"prompt":"b"}`, Request{Twofold: true, Dropped: "prompt"}},
		{"score with documents by two names", wire.Score, `{"query":"q","documents":["a"],"items":["b"]}`, Request{Prompts: 2, Twofold: true}},
		{"score with a side by two names", wire.Score, `{"text_1":"q","queries":["r"],"text_2":["a","b","c"]}`, Request{Prompts: 3, Twofold: true}},
		{"detokenize", wire.Detokenize, `{"tokens":[1,2,3]}`, Request{Content: Content{TokenIDs: 3}}},
		{"responses items", wire.Responses, `{"input":[{"role":"user","content":"a"},{"type":"function_call_output","call_id":"c","output":"o"}]}`,
			Request{Content: Content{Messages: 2}}},
		{"harmless held-back members", wire.Responses,
			`{"priority":0,"background":false,"kv_transfer_params":null,"vllm_xargs":null,"previous_response_id":null}`, Request{}},
		{"null messages", wire.ChatCompletions, `{"messages":null}`, Request{}},
		{"null prompt", wire.Completions, `{"prompt":null}`, Request{OutputCap: 16}},
		{"null pairs", wire.Rerank, `{"query":null,"documents":null}`, Request{}},
		{"no truncation", wire.Responses, `{"truncation":null}`, Request{}},
		{"empty object", wire.ChatCompletions, `{}`, Request{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseOK(t, tt.e, tt.body, Options{})
			want := tt.want
			want.Endpoint = tt.e
			want.Sequences = max(want.Sequences, 1)
			want.Choices = max(want.Choices, 1)
			want.Prompts = max(want.Prompts, 1)
			if diff := cmp.Diff(want, got, withoutText); diff != "" {
				t.Errorf("ParseRequest(%s) (-want +got):\n%s", tt.body, diff)
			}
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, tt := range []struct {
		e            wire.Endpoint
		body         string
		Reader, want string // want: the whole message
	}{
		{wire.ChatCompletions, `{"max_tokens":"abc"}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a string`},
		{wire.ChatCompletions, `{"max_tokens":"16"}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a string`},
		{wire.ChatCompletions, `{"max_tokens":0}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 0`},
		{wire.ChatCompletions, `{"max_tokens":-1}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is -1`},
		{wire.ChatCompletions, `{"max_tokens":1.5}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 1.5`},
		{wire.ChatCompletions, `{"max_tokens":1e400}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 1e400`},
		{wire.ChatCompletions, `{"max_tokens":9223372036854775808}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 9223372036854775808`},
		{wire.ChatCompletions, `{"max_tokens":4294967297}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 4294967297`},
		{wire.ChatCompletions, `{"max_tokens":1` + strings.Repeat("0", 99) + `}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a number of 100 digits`},
		{wire.ChatCompletions, `{"max_tokens":true}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is true`},
		{wire.ChatCompletions, `{"max_completion_tokens":[1]}`, "max_completion_tokens", `max_completion_tokens must be an integer from 1 to 2147483647, is a list`},
		{wire.Responses, `{"max_output_tokens":{}}`, "max_output_tokens", `max_output_tokens must be an integer from 1 to 2147483647, is an object`},
		{wire.Completions, `{"max_tokens":-1}`, "max_tokens", `max_tokens must be an integer from 0 to 2147483647, is -1`},
		{wire.Messages, `{"messages":[]}`, "max_tokens", `max_tokens is missing: give the largest number of tokens to generate`},
		{wire.Messages, `{"messages":[],"max_tokens":null}`, "max_tokens", `max_tokens is missing: give the largest number of tokens to generate`},
		{wire.ChatCompletions, `{"n":0}`, "n", `n must be an integer from 1 to 2147483647, is 0`},
		{wire.ChatCompletions, `{"n":129}`, "n", `n must be at most 128 here, is 129`},
		{wire.Completions, `{"best_of":1000000}`, "best_of", `best_of must be at most 128 here, is 1000000`},
		{wire.ChatCompletions, `{"stream":"true"}`, "stream", `stream must be true or false, is a string`},
		{wire.ChatCompletions, `{"stream":1}`, "stream", `stream must be true or false, is 1`},
		{wire.ChatCompletions, `{"use_beam_search":"yes"}`, "use_beam_search", `use_beam_search must be true or false, is a string`},
		{wire.ChatCompletions, `{"stream_options":[]}`, "stream_options", `stream_options must be an object, is a list`},
		{wire.ChatCompletions, `{"stream_options":{"include_usage":0}}`, "stream_options.include_usage", `stream_options.include_usage must be true or false, is 0`},
		{wire.ChatCompletions, `{"ignore_eos":1}`, "ignore_eos", `ignore_eos must be true or false, is 1`},
		{wire.ChatCompletions, `{"min_tokens":-3}`, "min_tokens", `min_tokens must be an integer from 0 to 2147483647, is -3`},
		{wire.ChatCompletions, `{"model":7}`, "model", `model must be a string, is 7`},
		{wire.ChatCompletions, `{"messages":"my secret"}`, "messages", `messages must be a list of messages, is a string`},
		{wire.Responses, `{"input":{"text":"my secret"}}`, "input", `input must be a list of messages, is an object`},
		{wire.Completions, `{"prompt":12}`, "prompt", `prompt must be ` + promptsWanted + `, is a number`},
		{wire.Completions, `{"prompt":true}`, "prompt", `prompt must be ` + promptsWanted + `, is a truth value`},
		{wire.Completions, `{"prompt":["a",1]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{wire.Completions, `{"prompt":[1,-2]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{wire.Completions, `{"prompt":[[1,"a"],[2]]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{wire.Completions, `{"prompt":[[1],[[2]],"x"]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{wire.Completions, `{"prompt":[null]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{wire.Detokenize, `{"tokens":[1.5]}`, "tokens", `tokens must be ` + promptsWanted + `, and not a mixture`},
		{wire.ChatCompletions, `{"truncate_prompt_tokens":-2}`, "truncate_prompt_tokens", `truncate_prompt_tokens must be an integer from -1 to 2147483647, is -2`},
		{wire.ChatCompletions, `{"priority":"high"}`, "priority", `priority must be an integer, is a string`},
		{wire.Responses, `{"background":"true"}`, "background", `background must be true or false, is a string`},
		{wire.ChatCompletions, `{"stream":"` + strings.Repeat("x", 100) + `"}`, "stream", `stream must be true or false, is a string`},
	} {
		_, err := Parse(tt.e, []byte(tt.body), Options{})
		var e *failure.Error
		if !errors.As(err, &e) {
			t.Errorf("ParseRequest(%s, %s) = %v, want an *failure.Error", tt.e, tt.body, err)
			continue
		}
		got := [3]string{e.Kind.String(), e.Param, e.Message}
		if diff := cmp.Diff([3]string{"invalid_request", tt.Reader, tt.want}, got); diff != "" {
			t.Errorf("ParseRequest(%s, %s) (-want +got):\n%s", tt.e, tt.body, diff)
		}
	}
}

func TestParseRequestPathModel(t *testing.T) {
	for _, tt := range []struct{ body, want, Reader string }{
		{`{}`, "a/b", ""},
		{`{"model":null}`, "a/b", ""},
		{`{"model":""}`, "a/b", ""},
		{`{"model":"a\/b"}`, "a/b", ""},
		{`{"model":"A/b"}`, "", "model"},
	} {
		r, err := Parse(wire.ChatCompletions, []byte(tt.body), Options{PathModel: "a/b"})
		var e *failure.Error
		if errors.As(err, &e); (e != nil) != (tt.Reader != "") || e != nil && e.Param != tt.Reader {
			t.Errorf("%s: error %v, want one about %q", tt.body, err, tt.Reader)
		}
		if r.Model != tt.want {
			t.Errorf("%s: model %q, want %q", tt.body, r.Model, tt.want)
		}
	}
}

// heldBackFields returns the names of the members that are held back on some endpoint.
func heldBackFields() []string {
	var names []string
	for _, e := range wire.Endpoints {
		for _, m := range Members(e) {
			if m.Treatment == member.HeldBack {
				names = append(names, m.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestParseRequestHeldBack(t *testing.T) {
	for _, e := range wire.Endpoints {
		for _, m := range Members(e) {
			if m.Treatment != member.HeldBack {
				continue
			}
			value := map[string]string{"priority": "-1", "background": "true"}[m.Name]
			if value == "" {
				value = `{"a":"AAAA"}`
			}
			body := `{"max_tokens":1,"` + m.Name + `":` + value + `}`
			_, err := Parse(e, []byte(body), Options{})
			var refused *failure.Error
			if !errors.As(err, &refused) || refused.Param != m.Name || !strings.Contains(refused.Message, "allow-fields") {
				t.Errorf("%s %s: error %v, want one about %s and allow-fields", e, body, err, m.Name)
			}
			r := parseOK(t, e, body, Options{Models: always{Allow: []string{"other", m.Name}}})
			if sent := string(r.AppendBody(nil, []byte(body), Patch{})); !strings.Contains(sent, m.Name) {
				t.Errorf("%s %s: although allowed, %s is sent", e, body, sent)
			}
			if value != "-1" && value != "true" && r.Optional.Bytes() == 0 && r.Images == 0 {
				t.Errorf("%s %s: nothing counts as input", e, body)
			}
		}
	}
	for _, name := range []string{
		"priority", "background", "kv_transfer_params", "ec_transfer_params", "vllm_xargs", "prompt_embeds", "data_parallel_rank",
		"previous_response_id", "mm_processor_kwargs", "media_io_kwargs", "n_predict", "logits_processors",
	} {
		if !slices.Contains(heldBackFields(), name) {
			t.Errorf("the members that are held back lack %s", name)
		}
	}
}

func TestParseRequestHeldBackPart(t *testing.T) {
	for _, part := range []string{
		`{"type":"prompt_embeds","data":"AAAA"}`,
		`{"data":"AAAA","type":"prompt\u005fembeds"}`,
		`{"prompt_embeds":"AAAA"}`,
		`{"type":"image_embeds","image_embeds":"AAAA"}`,
		`{"image_embeds":{"a":"AAAA"},"type":"image_embeds"}`,
		`{"type":"text","text":"hi","uuid":"u","image_embeds":"AAAA"}`,
		`{"audio_embeds":["AAAA"]}`,
	} {
		want := regexp.MustCompile(`[a-z]+(_|\\u005f)embeds`).FindString(part)
		want = strings.Replace(want, `\u005f`, "_", 1)
		body := `{"messages":[{"role":"user","content":[` + part + `]}]}`
		_, err := Parse(wire.ChatCompletions, []byte(body), Options{})
		var e *failure.Error
		if !errors.As(err, &e) || e.Param != want {
			t.Errorf("%s: error %v, want one about %s", body, err, want)
		}
		parseOK(t, wire.ChatCompletions, body, Options{Models: always{Allow: []string{want}}})
	}
	parseOK(t, wire.ChatCompletions, `{"messages":[{"role":"user","content":[{"type":"image_embeds","image_embeds":null,"uuid":"u"}]}]}`, Options{})
}

func TestParseInteger(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"17", 17, true}, {"-17", -17, true},
		{"17.0", 17, true}, {"1.7e1", 17, true}, {"1E2", 100, true}, {"-0.0", 0, true},
		{"9223372036854775807", 1<<63 - 1, true},
		{"9007199254740991.0", 1<<53 - 1, true},
		{"9007199254740992.0", 0, false}, // a float64 cannot tell it from the next
		{"9223372036854775808", 0, false}, {"1e300", 0, false}, {"1e400", 0, false}, {"-1e300", 0, false},
		{"0.5", 0, false}, {"1e-1", 0, false},
		{`"1"`, 0, false}, {"true", 0, false}, {"[1]", 0, false}, {"{}", 0, false},
	} {
		if got, ok := parseInteger([]byte(tt.raw)); got != tt.want || ok != tt.ok {
			t.Errorf("parseInteger(%s) = %d, %v, want %d, %v", tt.raw, got, ok, tt.want, tt.ok)
		}
	}
}

// TestPairs: the text of a side counts as often as it may be in a prompt.
func TestPairs(t *testing.T) {
	const q, a = "queryquery", "answer"
	for _, tt := range []struct {
		body   string
		qs, as int // how often each counts
	}{
		{`"text_1":"queryquery","text_2":"answer"`, 1, 1},
		{`"text_1":"queryquery","text_2":["answer","answer","answer"]`, 3, 3},
		{`"text_1":["queryquery","queryquery"],"text_2":["answer","answer"]`, 2, 2},
		{`"text_1":["queryquery","queryquery"],"text_2":"answer"`, 2, 2},
		{`"text_1":"queryquery","queries":"queryquery","text_2":["answer","answer"]`, 4, 2},
	} {
		r := parseOK(t, wire.Score, "{"+tt.body+"}", Options{})
		if got, want := r.Text.Bytes(), int64(tt.qs*len(q)+tt.as*len(a)); got != want {
			t.Errorf("{%s}: %d bytes, want %d", tt.body, got, want)
		}
	}
}
