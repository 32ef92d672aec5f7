package mockvllm

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// TestLengths checks how many tokens are generated and how the answer ends.
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		path, members string
		tokens        int64
		finish        string
	}{
		{"/v1/chat/completions", `"messages":[],"mock":{"output_tokens":7}`, 7, "stop"},
		{"/v1/chat/completions", `"messages":[],"max_tokens":7,"mock":{"output_tokens":7}`, 7, "length"},
		{"/v1/chat/completions", `"messages":[],"max_tokens":9,"max_completion_tokens":5,"mock":{"output_tokens":7}`, 5, "length"},
		{"/v1/chat/completions", `"messages":[],"min_tokens":9,"mock":{"output_tokens":7}`, 9, "stop"},
		{"/v1/chat/completions", `"messages":[],"max_tokens":20,"ignore_eos":true,"mock":{"output_tokens":7}`, 20, "length"},
		{"/v1/chat/completions", `"messages":[],"ignore_eos":true`, 97, "length"}, // 3 of 100 open the answer
		{"/v1/chat/completions", `"messages":[],"mock":{"output_tokens":0}`, 0, "stop"},
		{"/v1/completions", `"prompt":"a","mock":{"output_tokens":70}`, 16, "length"},
		{"/v1/completions", `"prompt":"a","n":2,"best_of":3,"mock":{"output_tokens":7}`, 21, "stop"},
		{"/v1/completions", `"prompt":["a","b"],"n":2,"use_beam_search":true,"mock":{"output_tokens":7}`, 28, "stop"},
		{"/v1/responses", `"input":"a","max_output_tokens":7,"mock":{"output_tokens":8}`, 7, "incomplete"},
		{"/v1/messages", `"messages":[],"max_tokens":7,"mock":{"output_tokens":8}`, 7, "max_tokens"},
	} {
		s := New(Options{Models: []Model{{Name: "m", ContextLength: 100}}})
		w := call(s, http.MethodPost, c.path, "r", `{`+c.members+`}`)
		e, _ := s.Ledger().Entry("r")
		if e.Output != c.tokens || e.Told.Usage.Output != c.tokens || !strings.Contains(w.Body.String(), `"`+c.finish+`"`) {
			t.Errorf("%s %s: %d tokens, %d told: %s", c.path, c.members, e.Output, e.Told.Usage.Output, w.Body)
		}
	}
}

// TestDrawnLengths shows that lengths are within bounds, differ, and are the
// same for the same seed and id.
func TestDrawnLengths(t *testing.T) {
	draw := func(seed uint64, id string) int64 {
		s := New(Options{Seed: seed, OutputTokens: Length{Min: 5, Max: 500}})
		call(s, http.MethodPost, "/v1/chat/completions", id, `{"messages":[]}`)
		e, _ := s.Ledger().Entry(id)
		return e.Output
	}
	seen := make(map[int64]bool)
	for i := range 50 {
		id := fmt.Sprint(i)
		n := draw(1, id)
		if n < 5 || n > 500 || n != draw(1, id) {
			t.Errorf("request %s draws %d and then %d", id, n, draw(1, id))
		}
		seen[n] = true
	}
	if len(seen) < 20 {
		t.Errorf("50 requests draw only %d lengths", len(seen))
	}
	if n := (Length{Min: 3, Max: 3}).draw(rand.New(rand.NewPCG(1, 1))); n != 3 {
		t.Errorf("3 to 3 draws %d", n)
	}
}

// TestPrompts counts prompts of every form.
func TestPrompts(t *testing.T) {
	const message = messageTokens + answerTokens
	for _, c := range []struct {
		path, members string
		want          int64
	}{
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"a b c"}]`, message + 3},
		{"/v1/chat/completions", `"messages":[{"content":"a"},{"content":null},{}]`, 3*messageTokens + answerTokens + 1},
		{"/v1/chat/completions", `"messages":[{"content":[{"type":"text","text":"a b"},{"type":"image_url","image_url":{"url":"x"}},{"type":"input_audio"}]}]`, message + 2 + 256 + 64},
		{"/v1/chat/completions", `"messages":[],"tools":[{"a":1}]`, answerTokens + CountTokens(`[{"a":1}]`)},
		{"/v1/chat/completions", `"messages":[{"content":"x","tool_calls":[]}]`, message + 1},
		{"/v1/completions", `"prompt":"a b"`, 2},
		{"/v1/completions", `"prompt":["a b","c"]`, 3},
		{"/v1/completions", `"prompt":[5,6,7]`, 3},
		{"/v1/completions", `"prompt":[[5],[6,7]]`, 3},
		{"/v1/completions", `"prompt":["a","b"],"mock":{"input_tokens":10}`, 20},
		{"/v1/responses", `"input":"a b","instructions":"c"`, message + messageTokens + 3},
		{"/v1/responses", `"input":[{"type":"message","content":"a"},{"type":"function_call_output","output":"b c"}]`, 2*messageTokens + answerTokens + 3},
		{"/v1/messages", `"max_tokens":1,"system":"a","messages":[{"content":[{"type":"tool_result","content":[{"type":"text","text":"b"}]},{"type":"image"}]}]`, message + messageTokens + 2 + 256},
		{"/v1/embeddings", `"input":["a","b c"]`, 3},
		{"/v1/embeddings", `"messages":[{"content":"a"}]`, message + 1},
		{"/v1/rerank", `"query":"a b","documents":["c","d"]`, 6},
		{"/pooling", `"input":["a b","c"]`, 3},
		{"/classify", `"input":"a b"`, 2},
		{"/v1/score", `"text_1":["a","b"],"text_2":["c","d e"]`, 5},
		{"/score", `"queries":"a","documents":["c","d e"]`, 5},
		{"/tokenize", `"messages":[{"content":"a"}]`, 0},
	} {
		s := New(Options{})
		w := call(s, http.MethodPost, c.path, "r", `{`+c.members+`}`)
		if e, _ := s.Ledger().Entry("r"); e.Input != c.want || e.Told.Usage.Input != c.want || w.Code != 200 {
			t.Errorf("%s %s: %d tokens, %d told, want %d: %s", c.path, c.members, e.Input, e.Told.Usage.Input, c.want, w.Body)
		}
	}
}
