package sdk

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// answers are checks whose answer is generated: how the model server answers,
// and who can ask for it.
var answers = []struct {
	check string
	by    []string
	mock  mock
}{
	{"chat", everyLibrary, mock{OutputTokens: 5, CachedTokens: 2}},
	// LangChain's provider reads no reasoning of servers other than OpenAI's.
	{"chat", slices.Concat(ofOpenAI, ofAnthropic, []string{aiSDK}), mock{OutputTokens: 6, ReasoningTokens: 2}},
	{"tools", everyLibrary, mock{OutputTokens: 4, ToolCall: true}},
	{"logprobs", slices.Concat(ofOpenAI, ofLangChain), mock{OutputTokens: 3}},
	{"structured", slices.Concat(ofOpenAI, ofLangChain, []string{aiSDK}), mock{OutputTokens: 4}},
	{"image", everyLibrary, mock{OutputTokens: 3}},
	{"responses", ofOpenAI, mock{OutputTokens: 5, CachedTokens: 2}},
	{"responses tools", ofOpenAI, mock{OutputTokens: 4, ToolCall: true}},
	{"responses structured", ofOpenAI, mock{OutputTokens: 4}},
}

// TestAnswers asks for answers of every kind, whole and streamed. What a library
// reads is what was generated, and what it asked for is what arrived.
func TestAnswers(t *testing.T) {
	g := start(t, "{}", "ursula")
	for _, a := range answers {
		for _, name := range a.by {
			for _, stream := range []bool{false, true} {
				t.Run(title(name, a.check, a.mock, stream), func(t *testing.T) {
					t.Parallel()
					o := ask(t, name, call{
						Check: a.check, URL: g.URL, Key: key("ursula"), Model: free, Stream: stream, Prompt: hello, Mock: a.mock,
					})
					if o.Result == nil || len(o.IDs) != 1 {
						t.Fatalf("%d answers, and the error %+v", len(o.IDs), o.Error)
					}
					id := *o.IDs[0]
					wantUntouched(t, o.Sent[0], g.receivedOf(t, id).body, stream && strings.HasPrefix(g.entry(t, id).Endpoint, "chat"))
					wantGenerated(t, o.Result, g.entry(t, id), a.mock)
					switch a.check {
					case "tools", "responses tools":
						wantTool(t, o.Result, a.mock)
					case "logprobs":
						wantLogprobs(t, o.Result, a.mock)
					case "structured", "responses structured":
						wantStructured(t, o.Result, a.mock)
					default:
						wantText(t, o.Result, a.mock)
					}
					gathers := a.check == "structured" && slices.Contains(ofLangChain, name) // it parses the whole
					if pieces := o.Result.Pieces; stream && !a.mock.ToolCall && !gathers && int64(pieces) != a.mock.OutputTokens-a.mock.ReasoningTokens {
						t.Errorf("the text came in %d pieces, want one for each of its tokens", pieces)
					}
				})
			}
		}
	}
}

func title(library, check string, m mock, stream bool) string {
	name := library + "/" + check
	if m.ReasoningTokens > 0 {
		name += " with reasoning"
	}
	if stream {
		name += " streamed"
	}
	return strings.ReplaceAll(name, " ", "-")
}

// wantUntouched compares what a library sent with what the model server got: the
// same, but for the model's name there and, on streams that can tell it, the usage
// that the gateway asks for.
func wantUntouched(t *testing.T, sent, got any, asksForUsage bool) {
	t.Helper()
	want := maps.Clone(sent.(map[string]any))
	if want["model"] != free {
		t.Errorf("the library asked for the model %v", want["model"])
	}
	want["model"] = limited
	if asksForUsage {
		want["stream_options"] = map[string]any{"include_usage": true, "continuous_usage_stats": true}
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("the model server got something else than the library sent (-want +got):\n%s", diff)
	}
}

// wantGenerated compares what is told of an answer with the ledger.
func wantGenerated(t *testing.T, r *result, e mockvllm.Entry, m mock) {
	t.Helper()
	if e.Outcome != mockvllm.Completed || e.Output != m.OutputTokens {
		t.Fatalf("the model server's ledger: %+v", e)
	}
	want := usage{Input: e.Input, Output: e.Output, Cached: m.CachedTokens}
	if e.Endpoint == "messages" {
		want.Input -= m.CachedTokens // Anthropic counts them apart
	}
	if diff := cmp.Diff(want, r.Usage); diff != "" {
		t.Errorf("usage (-ledger +read):\n%s", diff)
	}
	if r.Model != free {
		t.Errorf("the answer is of the model %q, want %q", r.Model, free)
	}
	finish := []string{"stop", "end_turn", "completed"}
	if m.ToolCall {
		finish = []string{"tool_calls", "tool-calls", "tool_use", "completed"}
	}
	if !slices.Contains(finish, r.Finish) {
		t.Errorf("the answer ended with %q, want one of %q", r.Finish, finish)
	}
}

func wantText(t *testing.T, r *result, m mock) {
	t.Helper()
	reasoning := mockvllm.Text(mockvllm.Latin, 0, m.ReasoningTokens)
	text := strings.TrimPrefix(mockvllm.Text(mockvllm.Latin, 0, m.OutputTokens), reasoning)
	if r.Text != text || r.Reasoning != reasoning {
		t.Errorf("read %q after reasoning %q; generated %q after %q", r.Text, r.Reasoning, text, reasoning)
	}
}

func wantTool(t *testing.T, r *result, m mock) {
	t.Helper()
	if len(r.Tools) != 1 || r.Tools[0].Name != "look_up" {
		t.Fatalf("the calls read are %+v", r.Tools)
	}
	want := map[string]string{"text": mockvllm.Text(mockvllm.Latin, 0, m.OutputTokens)}
	var got map[string]string
	if err := json.Unmarshal([]byte(r.Tools[0].Arguments), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-generated +read):\n%s", diff)
	}
}

func wantLogprobs(t *testing.T, r *result, m mock) {
	t.Helper()
	wantText(t, r, m)
	var text string
	for _, l := range r.Logprobs {
		text += l.Token
		if l.Logprob != -0.5 || len(l.Top) != 2 || l.Top[0] != l.Token {
			t.Errorf("a token's log probability is read as %+v", l)
		}
	}
	if int64(len(r.Logprobs)) != m.OutputTokens || text != r.Text {
		t.Errorf("%d log probabilities are of the text %q, want %d of %q", len(r.Logprobs), text, m.OutputTokens, r.Text)
	}
}

func wantStructured(t *testing.T, r *result, m mock) {
	t.Helper()
	var parsed struct{ Words string }
	if err := json.Unmarshal(r.Parsed, &parsed); err != nil {
		t.Fatalf("%v: %s", err, r.Parsed)
	}
	if want := mockvllm.Text(mockvllm.Latin, 0, m.OutputTokens); parsed.Words != want {
		t.Errorf("parsed %q, generated %q", parsed.Words, want)
	}
}

// TestEmbeddings asks for the vectors of two texts.
func TestEmbeddings(t *testing.T) {
	g := start(t, "{}", "ursula")
	var first [][]float64
	for _, name := range slices.Concat(ofOpenAI, ofLangChain, []string{aiSDK}) {
		t.Run(name, func(t *testing.T) {
			o := ask(t, name, call{Check: "embeddings", URL: g.URL, Key: key("ursula"), Model: free})
			if o.Result == nil || len(o.IDs) != 1 {
				t.Fatalf("%d answers, and the error %+v", len(o.IDs), o.Error)
			}
			wantUntouched(t, o.Sent[0], g.receivedOf(t, *o.IDs[0]).body, false)
			e := g.entry(t, *o.IDs[0])
			tells := !slices.Contains(ofLangChain, name) // it gives vectors only
			if tells && o.Result.Usage.Input != e.Input || e.Input == 0 {
				t.Errorf("read a usage of %d, the ledger has %d", o.Result.Usage.Input, e.Input)
			}
			if len(o.Result.Vectors) != 2 || len(o.Result.Vectors[0]) == 0 {
				t.Fatalf("read %d vectors", len(o.Result.Vectors))
			}
			if first == nil {
				first = o.Result.Vectors
			}
			for i, v := range o.Result.Vectors {
				for k := range v {
					if d := v[k] - first[i][k]; d > 1e-6 || d < -1e-6 { // base64 is of single precision
						t.Fatalf("vector %d is read as %v, and by the first library as %v", i, v, first[i])
					}
				}
			}
		})
	}
}

// TestModels lists the models, and looks at one.
func TestModels(t *testing.T) {
	g := start(t, "{}", "ursula")
	for _, name := range slices.Concat(ofOpenAI, ofAnthropic) {
		t.Run(name, func(t *testing.T) {
			o := ask(t, name, call{Check: "models", URL: g.URL, Key: key("ursula"), Model: limited})
			if o.Result == nil {
				t.Fatalf("the error %+v", o.Error)
			}
			if diff := cmp.Diff([]string{free, limited}, o.Result.Models); diff != "" {
				t.Errorf("models (-served +read):\n%s", diff)
			}
			if o.Result.Model != limited || o.Result.Finish != "model of 0" {
				t.Errorf("%s is read as %q, %q", limited, o.Result.Model, o.Result.Finish)
			}
		})
	}
}

// TestCountTokens has the model server count a message.
func TestCountTokens(t *testing.T) {
	g := start(t, "{}", "ursula")
	for _, name := range ofAnthropic {
		t.Run(name, func(t *testing.T) {
			o := ask(t, name, call{Check: "count", URL: g.URL, Key: key("ursula"), Model: free, Prompt: hello})
			if o.Result == nil {
				t.Fatalf("the error %+v", o.Error)
			}
			wantUntouched(t, o.Sent[0], g.receivedOf(t, *o.IDs[0]).body, false)
			if o.Result.Usage.Input != 13 { // 6 of the text, 4 of the message, 3 to open the answer
				t.Errorf("the message has %d tokens", o.Result.Usage.Input)
			}
		})
	}
}
