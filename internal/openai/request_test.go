package openai

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// textsOf counts texts that stand apart.
func textsOf(texts ...string) Text {
	var sum Text
	for _, s := range texts {
		sum.AddText(textOf(s))
	}
	return sum
}

func parseOK(t *testing.T, e Endpoint, body string, o ParseOptions) Request {
	t.Helper()
	r, err := ParseRequest(e, []byte(body), o)
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
		e    Endpoint
		body string
		want Request
	}{
		{"bare chat", ChatCompletions, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
			Request{Model: "m", Messages: 1}},
		{"white space everywhere", ChatCompletions, " {\n\t\"model\" : \"m\" ,\r\n \"messages\" : [ ] , \"n\" : 2 } \n",
			Request{Model: "m", Sequences: 2, Choices: 2}},
		{"escaped names and model", ChatCompletions, `{"mod\u0065l":"\u006d\/x","messages":[],"\u006e":3}`,
			Request{Model: "m/x", Sequences: 3, Choices: 3}},
		{"both caps", ChatCompletions, `{"max_tokens":50,"max_completion_tokens":20}`, Request{OutputCap: 20}},
		{"one cap is null", ChatCompletions, `{"max_tokens":50,"max_completion_tokens":null}`, Request{OutputCap: 50}},
		{"caps as fraction and power", ChatCompletions, `{"max_tokens":50.0,"max_completion_tokens":1e2}`, Request{OutputCap: 50}},
		{"chat reads no max_output_tokens", ChatCompletions, `{"max_output_tokens":"x"}`, Request{Dropped: "max_output_tokens"}},
		{"completion by default", Completions, `{"prompt":"x"}`, Request{Prompts: 1, OutputCap: 16}},
		{"completion with null", Completions, `{"prompt":"x","max_tokens":null}`, Request{OutputCap: 16}},
		{"completion that echoes", Completions, `{"prompt":"x","echo":true,"max_tokens":0}`, Request{OutputCap: 1, Echo: true}},
		{"completion that echoes as pydantic reads it", Completions, `{"prompt":"x","echo":1}`, Request{OutputCap: 16, Echo: true}},
		{"completion that does not echo", Completions, `{"prompt":"x","echo":false}`, Request{OutputCap: 16}},
		{"responses", Responses, `{"input":"x","instructions":"y","max_output_tokens":7,"max_tokens":3,"stream":true}`,
			Request{OutputCap: 7, Messages: 2, Stream: true, Dropped: "max_tokens"}},
		{"messages", Messages, `{"max_tokens":9,"system":"s","messages":[{"role":"user","content":"x"}]}`,
			Request{OutputCap: 9, Messages: 2}},
		{"min_tokens", ChatCompletions, `{"min_tokens":5,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 5}},
		{"min_tokens above the cap", ChatCompletions, `{"min_tokens":9,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 8}},
		{"ignore_eos", ChatCompletions, `{"ignore_eos":true,"max_tokens":8}`, Request{OutputCap: 8, MinOutput: 8, IgnoreEOS: true}},
		{"ignore_eos without a cap", ChatCompletions, `{"ignore_eos":true,"min_tokens":2}`, Request{MinOutput: 2, IgnoreEOS: true}},
		{"best_of", Completions, `{"n":2,"best_of":5}`, Request{OutputCap: 16, Sequences: 5, Choices: 2}},
		{"beam search", ChatCompletions, `{"n":4,"use_beam_search":true}`, Request{Sequences: 4, Choices: 4}},
		{"n null", ChatCompletions, `{"n":null,"stream":null}`, Request{}},
		{"stream", ChatCompletions, `{"stream":true}`, Request{Stream: true}},
		{"embeddings do not stream", Embeddings, `{"input":"x","stream":true,"n":9}`, Request{Dropped: "stream, n"}},
		{"usage", ChatCompletions, `{"stream":true,"stream_options":{"include_usage":true}}`, Request{Stream: true, IncludeUsage: true}},
		{"usage by default", ChatCompletions, `{"stream":true,"stream_options":{}}`, Request{Stream: true, IncludeUsage: true}},
		{"usage null", ChatCompletions, `{"stream":true,"stream_options":{"include_usage":null}}`, Request{Stream: true}},
		{"options null", ChatCompletions, `{"stream":true,"stream_options":null}`, Request{Stream: true}},
		{"continuous", Completions, `{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true}}`,
			Request{OutputCap: 16, Stream: true, IncludeUsage: true, ContinuousUsage: true}},
		{"continuous without usage", ChatCompletions, `{"stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":false}}`,
			Request{Stream: true}},
		{"options without stream", ChatCompletions, `{"stream_options":{"include_usage":true}}`, Request{}},
		{"truncation", Embeddings, `{"input":"x","truncate_prompt_tokens":12}`, Request{TruncateInput: 12}},
		{"truncation to the context", Embeddings, `{"input":"x","truncate_prompt_tokens":-1}`, Request{TruncateInput: -1}},
		{"truncation of responses", Responses, `{"input":"x","truncation":"a\u0075to"}`, Request{Messages: 1, TruncateInput: -1}},
		{"prompt list", Completions, `{"prompt":["a","b","c"]}`, Request{OutputCap: 16, Prompts: 3}},
		{"token ids", Completions, `{"prompt":[1,2, 3]}`, Request{OutputCap: 16, TokenIDs: 3}},
		{"token id lists", Completions, `{"prompt":[[1,2],[3],[]]}`, Request{OutputCap: 16, TokenIDs: 3, Prompts: 3}},
		{"empty prompt list", Completions, `{"prompt":[]}`, Request{OutputCap: 16}},
		{"embedding inputs", Embeddings, `{"input":["a","b"]}`, Request{Prompts: 2}},
		{"embedding of messages", Embeddings, `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, Request{Messages: 2}},
		{"embedding of conversations", Embeddings, `{"messages":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]]}`,
			Request{Messages: 2, Prompts: 2}},
		{"embedding of messages as input", Embeddings, `{"input":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, Request{Messages: 2}},
		{"embedding of conversations as input", Embeddings, `{"input":[[{"role":"user","content":"a"}],[{"role":"user","content":"b"}]]}`,
			Request{Messages: 2, Prompts: 2}},
		{"rerank", Rerank, `{"query":"q","documents":["a","b","c"]}`, Request{Prompts: 3}},
		{"score one to many", Score, `{"text_1":"q","text_2":["a","b"]}`, Request{Prompts: 2}},
		{"score pairs", Score, `{"queries":["q","r"],"documents":["a","b"]}`, Request{Prompts: 2}},
		{"score many to one", Score, `{"text_1":["q","r"],"text_2":"a"}`, Request{Prompts: 2}},
		{"embedding of messages and input", Embeddings, `{"messages":[{"role":"user","content":"a"}],"input":"b"}`, Request{Messages: 1, Twofold: true}},
		{"embedding of input, messages null", Embeddings, `{"messages":null,"input":"b"}`, Request{}},
		{"chat with a prompt that goes", ChatCompletions, `{"messages":[],"prompt":"b"}`, Request{Twofold: true, Dropped: "prompt"}},
		{"score with documents by two names", Score, `{"query":"q","documents":["a"],"items":["b"]}`, Request{Prompts: 2, Twofold: true}},
		{"score with a side by two names", Score, `{"text_1":"q","queries":["r"],"text_2":["a","b","c"]}`, Request{Prompts: 3, Twofold: true}},
		{"detokenize", Detokenize, `{"tokens":[1,2,3]}`, Request{TokenIDs: 3}},
		{"responses items", Responses, `{"input":[{"role":"user","content":"a"},{"type":"function_call_output","call_id":"c","output":"o"}]}`,
			Request{Messages: 2}},
		{"harmless held-back members", Responses,
			`{"priority":0,"background":false,"kv_transfer_params":null,"vllm_xargs":null,"previous_response_id":null}`, Request{}},
		{"null messages", ChatCompletions, `{"messages":null}`, Request{}},
		{"null prompt", Completions, `{"prompt":null}`, Request{OutputCap: 16}},
		{"null pairs", Rerank, `{"query":null,"documents":null}`, Request{}},
		{"no truncation", Responses, `{"truncation":null}`, Request{}},
		{"empty object", ChatCompletions, `{}`, Request{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseOK(t, tt.e, tt.body, ParseOptions{})
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
		e           Endpoint
		body        string
		param, want string // want: the whole message
	}{
		{ChatCompletions, `{"max_tokens":"abc"}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a string`},
		{ChatCompletions, `{"max_tokens":"16"}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a string`},
		{ChatCompletions, `{"max_tokens":0}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 0`},
		{ChatCompletions, `{"max_tokens":-1}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is -1`},
		{ChatCompletions, `{"max_tokens":1.5}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 1.5`},
		{ChatCompletions, `{"max_tokens":1e400}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 1e400`},
		{ChatCompletions, `{"max_tokens":9223372036854775808}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 9223372036854775808`},
		{ChatCompletions, `{"max_tokens":4294967297}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is 4294967297`},
		{ChatCompletions, `{"max_tokens":1` + strings.Repeat("0", 99) + `}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is a number of 100 digits`},
		{ChatCompletions, `{"max_tokens":true}`, "max_tokens", `max_tokens must be an integer from 1 to 2147483647, is true`},
		{ChatCompletions, `{"max_completion_tokens":[1]}`, "max_completion_tokens", `max_completion_tokens must be an integer from 1 to 2147483647, is a list`},
		{Responses, `{"max_output_tokens":{}}`, "max_output_tokens", `max_output_tokens must be an integer from 1 to 2147483647, is an object`},
		{Completions, `{"max_tokens":-1}`, "max_tokens", `max_tokens must be an integer from 0 to 2147483647, is -1`},
		{Messages, `{"messages":[]}`, "max_tokens", `max_tokens is missing: give the largest number of tokens to generate`},
		{Messages, `{"messages":[],"max_tokens":null}`, "max_tokens", `max_tokens is missing: give the largest number of tokens to generate`},
		{ChatCompletions, `{"n":0}`, "n", `n must be an integer from 1 to 2147483647, is 0`},
		{ChatCompletions, `{"n":129}`, "n", `n must be at most 128 here, is 129`},
		{Completions, `{"best_of":1000000}`, "best_of", `best_of must be at most 128 here, is 1000000`},
		{ChatCompletions, `{"stream":"true"}`, "stream", `stream must be true or false, is a string`},
		{ChatCompletions, `{"stream":1}`, "stream", `stream must be true or false, is 1`},
		{ChatCompletions, `{"use_beam_search":"yes"}`, "use_beam_search", `use_beam_search must be true or false, is a string`},
		{ChatCompletions, `{"stream_options":[]}`, "stream_options", `stream_options must be an object, is a list`},
		{ChatCompletions, `{"stream_options":{"include_usage":0}}`, "stream_options.include_usage", `stream_options.include_usage must be true or false, is 0`},
		{ChatCompletions, `{"ignore_eos":1}`, "ignore_eos", `ignore_eos must be true or false, is 1`},
		{ChatCompletions, `{"min_tokens":-3}`, "min_tokens", `min_tokens must be an integer from 0 to 2147483647, is -3`},
		{ChatCompletions, `{"model":7}`, "model", `model must be a string, is 7`},
		{ChatCompletions, `{"messages":"my secret"}`, "messages", `messages must be a list of messages, is a string`},
		{Responses, `{"input":{"text":"my secret"}}`, "input", `input must be a list of messages, is an object`},
		{Completions, `{"prompt":12}`, "prompt", `prompt must be ` + promptsWanted + `, is a number`},
		{Completions, `{"prompt":true}`, "prompt", `prompt must be ` + promptsWanted + `, is a truth value`},
		{Completions, `{"prompt":["a",1]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{Completions, `{"prompt":[1,-2]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{Completions, `{"prompt":[[1,"a"],[2]]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{Completions, `{"prompt":[[1],[[2]],"x"]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{Completions, `{"prompt":[null]}`, "prompt", `prompt must be ` + promptsWanted + `, and not a mixture`},
		{Detokenize, `{"tokens":[1.5]}`, "tokens", `tokens must be ` + promptsWanted + `, and not a mixture`},
		{ChatCompletions, `{"truncate_prompt_tokens":-2}`, "truncate_prompt_tokens", `truncate_prompt_tokens must be an integer from -1 to 2147483647, is -2`},
		{ChatCompletions, `{"priority":"high"}`, "priority", `priority must be an integer, is a string`},
		{Responses, `{"background":"true"}`, "background", `background must be true or false, is a string`},
		{ChatCompletions, `{"stream":"` + strings.Repeat("x", 100) + `"}`, "stream", `stream must be true or false, is a string`},
	} {
		_, err := ParseRequest(tt.e, []byte(tt.body), ParseOptions{})
		var e *failure.Error
		if !errors.As(err, &e) {
			t.Errorf("ParseRequest(%s, %s) = %v, want an *failure.Error", tt.e, tt.body, err)
			continue
		}
		got := [3]string{e.Kind.String(), e.Param, e.Message}
		if diff := cmp.Diff([3]string{"invalid_request", tt.param, tt.want}, got); diff != "" {
			t.Errorf("ParseRequest(%s, %s) (-want +got):\n%s", tt.e, tt.body, diff)
		}
	}
}

func TestParseRequestPathModel(t *testing.T) {
	for _, tt := range []struct{ body, want, param string }{
		{`{}`, "a/b", ""},
		{`{"model":null}`, "a/b", ""},
		{`{"model":""}`, "a/b", ""},
		{`{"model":"a\/b"}`, "a/b", ""},
		{`{"model":"A/b"}`, "", "model"},
	} {
		r, err := ParseRequest(ChatCompletions, []byte(tt.body), ParseOptions{PathModel: "a/b"})
		var e *failure.Error
		if errors.As(err, &e); (e != nil) != (tt.param != "") || e != nil && e.Param != tt.param {
			t.Errorf("%s: error %v, want one about %q", tt.body, err, tt.param)
		}
		if r.Model != tt.want {
			t.Errorf("%s: model %q, want %q", tt.body, r.Model, tt.want)
		}
	}
}

// heldBackFields returns the names of the members that are held back on some endpoint.
func heldBackFields() []string {
	var names []string
	for _, e := range Endpoints {
		for _, m := range Members(e) {
			if m.Treatment == HeldBack {
				names = append(names, m.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestParseRequestHeldBack(t *testing.T) {
	for _, e := range Endpoints {
		for _, m := range Members(e) {
			if m.Treatment != HeldBack {
				continue
			}
			value := map[string]string{"priority": "-1", "background": "true"}[m.Name]
			if value == "" {
				value = `{"a":"AAAA"}`
			}
			body := `{"max_tokens":1,"` + m.Name + `":` + value + `}`
			_, err := ParseRequest(e, []byte(body), ParseOptions{})
			var refused *failure.Error
			if !errors.As(err, &refused) || refused.Param != m.Name || !strings.Contains(refused.Message, "allow-fields") {
				t.Errorf("%s %s: error %v, want one about %s and allow-fields", e, body, err, m.Name)
			}
			r := parseOK(t, e, body, ParseOptions{AllowFields: []string{"other", m.Name}})
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
		_, err := ParseRequest(ChatCompletions, []byte(body), ParseOptions{})
		var e *failure.Error
		if !errors.As(err, &e) || e.Param != want {
			t.Errorf("%s: error %v, want one about %s", body, err, want)
		}
		parseOK(t, ChatCompletions, body, ParseOptions{AllowFields: []string{want}})
	}
	parseOK(t, ChatCompletions, `{"messages":[{"role":"user","content":[{"type":"image_embeds","image_embeds":null,"uuid":"u"}]}]}`, ParseOptions{})
}

func TestParseRequestSequencesMax(t *testing.T) {
	r := parseOK(t, ChatCompletions, `{"n":2000}`, ParseOptions{SequencesMax: 4096})
	if r.Sequences != 2000 {
		t.Errorf("Sequences = %d, want 2000", r.Sequences)
	}
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
		r := parseOK(t, Score, "{"+tt.body+"}", ParseOptions{})
		if got, want := r.Text.Bytes(), int64(tt.qs*len(q)+tt.as*len(a)); got != want {
			t.Errorf("{%s}: %d bytes, want %d", tt.body, got, want)
		}
	}
}
