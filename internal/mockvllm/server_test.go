package mockvllm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestRefusals lists requests that vLLM refuses.
func TestRefusals(t *testing.T) {
	const chat, completions = "/v1/chat/completions", "/v1/completions"
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{chat, ``, 400, "no body"},
		{chat, `{`, 400, "Invalid request body"},
		{chat, `{"model":7}`, 400, "Invalid request body"},
		{chat, `{}`, 400, "messages"},
		{chat, `{"model":"other","messages":[]}`, 404, "`other` does not exist"},
		{chat, `{"messages":[],"max_tokens":0}`, 400, "at least 1, got 0"},
		{chat, `{"messages":[],"max_tokens":-1}`, 400, "at least 1, got -1"},
		{chat, `{"messages":[],"max_tokens":1000}`, 400, "maximum context length is 100 tokens"},
		{chat, `{"messages":[],"mock":{"input_tokens":101}}`, 400, "maximum context length"},
		{chat, `{"messages":[],"max_tokens":1,"mock":{"input_tokens":9223372036854775807}}`, 400, "maximum context length"},
		{chat, `{"messages":[],"max_tokens":5,"min_tokens":6}`, 400, "min_tokens must be less"},
		{chat, `{"messages":[],"n":0}`, 400, "n must be at least 1"},
		{chat, `{"messages":[],"stream_options":{}}`, 400, "stream=True"},
		{chat, `{"messages":[],"mock":{"fail":"nothing"}}`, 400, "mock.fail"},
		{chat, `{"messages":[],"mock":{"usage":"some"}}`, 400, "mock.usage"},
		{chat, `{"messages":[],"mock":{"line_end":"x"}}`, 400, "mock.line_end"},
		{chat, `{"messages":[],"mock":{"language":"x"}}`, 400, "mock.language"},
		{chat, `{"messages":[],"mock":{"status":200}}`, 400, "mock.status"},
		{chat, `{"messages":[],"mock":{"input_tokens":-1}}`, 400, "negative"},
		{chat, `{"messages":[],"mock":{"outputtokens":1}}`, 400, "outputtokens"},
		{chat, `{"messages":[],"stream":true,"stream_options":{"include_usage":true},"mock":{"stream_options":"reject"}}`, 400, "not permitted"},
		{chat, `{"messages":[],"stream":true,"stream_options":{"include_usage":true},"mock":{"stream_options":"reject-continuous"}}`, 200, ""},
		{chat, `{"messages":[],"stream":true,"stream_options":{"continuous_usage_stats":true},"mock":{"stream_options":"reject-continuous"}}`, 400, "continuous"},
		{completions, `{}`, 400, "prompt"},
		{completions, `{"prompt":[]}`, 400, "prompt"},
		{completions, `{"prompt":true}`, 400, "Input should be"},
		{completions, `{"prompt":"a","n":2000}`, 400, "n must"},
		{completions, `{"prompt":"a","use_beam_search":true,"stream":true}`, 400, "beam search"},
		{"/v1/messages", `{"messages":[]}`, 400, "max_tokens"},
		{"/v1/responses", `{}`, 400, "input"},
		{"/v1/rerank", `{"query":"a"}`, 400, "two texts"},
		{"/v1/score", `{"text_1":["a","b"],"text_2":["a","b","c"]}`, 400, "1:N"},
		{"/tokenize", `{}`, 400, "prompt or messages"},
		{"/detokenize", `{}`, 400, "tokens"},
		{"/v1/messages/count_tokens", `{}`, 400, "messages"},
	} {
		s := New(Options{Models: []Model{{Name: "m", ContextLength: 100}}})
		w := call(s, http.MethodPost, c.path, "r", c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
		e, _ := s.Ledger().Entry("r")
		if rejected := e.Outcome == Rejected && e.Input == 0 && e.InFlight == 0; rejected != (c.status != 200) {
			t.Errorf("%s %s: booked as %+v", c.path, c.body, e)
		}
	}
}

func TestSwitches(t *testing.T) {
	s := New(Options{})
	status := func(method, path, body string) int { return call(s, method, path, "", body).Code }
	const chat, ok = "/v1/chat/completions", `{"messages":[]}`
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, "200 200 200"},
		{func() { s.SetUnhealthy(true) }, "503 503 200"},
		{func() { s.SetUnhealthy(false); s.SetQueueFull(true) }, "200 200 503"},
		{func() { s.SetQueueFull(false); s.SetDefaults(Behavior{Status: 500}) }, "200 200 500"},
		{func() { s.SetDefaults(Behavior{}) }, "200 200 200"},
	}
	for i, step := range steps {
		step.do()
		got := fmt.Sprint(status("GET", "/health", ""), " ", status("GET", "/ping", ""), " ", status("POST", chat, ok))
		if got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown default is taken")
		}
	}()
	s.SetDefaults(Behavior{Fail: "x"})
}

func TestRoutes(t *testing.T) {
	s := New(Options{})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/chat/completions", 405},
		{"POST", "/v1/models", 405},
		{"POST", "/invocations", 404},
		{"POST", "/rerank", 400},
		{"HEAD", "/health", 200},
	} {
		if w := call(s, c.method, c.path, "", ""); w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.status)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/completions", strings.NewReader(`{"prompt":"a"}`))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "Unsupported Media Type") {
		t.Errorf("text/plain: %d %s", w.Code, w.Body)
	}
}

// TestMetricsCount reads the counters after a few requests.
func TestMetricsCount(t *testing.T) {
	s := New(Options{})
	for range 3 {
		call(s, http.MethodPost, "/v1/completions", "", `{"prompt":"a b","mock":{"output_tokens":5}}`)
	}
	text := call(s, http.MethodGet, "/metrics", "", "").Body.String()
	for _, want := range []string{
		`vllm:prompt_tokens_total{engine="0",model_name="mock"} 6.0`,
		`vllm:generation_tokens_total{engine="0",model_name="mock"} 15.0`,
		`vllm:request_success_total{engine="0",model_name="mock"} 3.0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("metrics lack %s:\n%s", want, text)
		}
	}
}

// FuzzRequest sends any body to any endpoint: it is answered, and the books
// balance.
func FuzzRequest(f *testing.F) {
	for i, body := range []string{
		`{"messages":[{"role":"user","content":"hello"}],"mock":{"output_tokens":2}}`,
		`{"prompt":["a","b"],"n":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`,
		`{"input":[1,2,3],"mock":{"cached_tokens":9,"usage":"zero"}}`,
		`{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],"stream":true}`,
		`{"max_tokens":3,"system":[{"type":"text","text":"s"}],"messages":[{"content":{"type":"image"}}],"stream":true}`,
		`{"query":"q","documents":["a",{"text":"b"}],"text_1":"a","text_2":[[1],[2]]}`,
		`{"tokens":[-1,9223372036854775807]}`,
		`{"messages":[],"mock":{"choice_tokens":[-5],"input_tokens":-3,"output_tokens":-1}}`,
	} {
		f.Add(uint8(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, endpoint uint8, body []byte) {
		for _, slow := range []string{`_ms`, `ack`, `stall`, `fail`, `\u`} {
			if strings.Contains(string(body), slow) {
				t.Skip("may wait, or may break the connection off")
			}
		}
		s := New(Options{Models: []Model{{Name: "m", ContextLength: 200}}})
		e := wire.Endpoints[int(endpoint)%len(wire.Endpoints)]
		w := call(s, http.MethodPost, e.Path(), "r", string(body))
		got, _ := s.Ledger().Entry("r")
		if w.Code != got.Status || w.Code == 500 && got.Outcome != Failed {
			t.Errorf("answered with %d, booked as %+v", w.Code, got)
		}
		var sum int64
		for _, c := range got.Choices {
			sum += c.Output
		}
		if got.Outcome == Running || got.Input < 0 || got.Output < 0 || sum != got.Output || s.Ledger().InFlight("m") != 0 {
			t.Errorf("booked as %+v", got)
		}
	})
}

// TestServeAddsModels: a model that is added answers; one that there is already
// keeps its engine.
func TestServeAddsModels(t *testing.T) {
	s := New(Options{Models: []Model{{Name: "a"}}})
	engine := s.model("a")
	for _, name := range []string{"b", "a", "b"} {
		s.Serve(Model{Name: name})
	}
	if n := len(s.models()); n != 2 || s.model("b") == nil || s.model("a") != engine {
		t.Errorf("%d models are served", n)
	}
}
