package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestLineOfAFailure: the line of a request names the model server that failed,
// or the limit that denied it, whatever kind of limit that is.
func TestLineOfAFailure(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Limits:  "{max-requests-per-minute: 40, max-input-tokens-per-day: 100, max-concurrent-requests: 1}",
		Service: "first-byte-timeout: 50ms, response-timeout: 50ms",
	})
	server := `"server":"` + strings.TrimPrefix(g.MockURL, "http://") + `"`
	held := g.Request(t.Context(), chatPath, "alice",
		`{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"hello"}],"mock":{"output_tokens":1000,"token_ms":1000}}`)
	for _, tt := range []struct {
		id, body string
		status   int
		words    string // in the line
	}{
		{"broken", `"mock":{"fail":"reset-before-byte"}`, http.StatusBadGateway, server},
		{"late", `"mock":{"ttft_ms":5000}`, http.StatusGatewayTimeout, server},
		{"failed", `"mock":{"status":500}`, http.StatusBadGateway, server},
		{"large", `"x":""`, http.StatusBadRequest, `"limit":"user input_tokens per day"`},
		{"many", `"x":""`, http.StatusTooManyRequests, `"limit":"model concurrent_requests"`},
	} {
		content := "hello"
		switch tt.id {
		case "large":
			content = strings.Repeat("hello ", 200)
		case "many":
			response, err := http.DefaultClient.Do(held)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
		}
		body := `{"model":"llama2-7b","messages":[{"role":"user","content":"` + content + `"}],` + tt.body + `}`
		status, line := ask(t, g, tt.id, chatPath, body)
		if status != tt.status {
			t.Errorf("%s: %d, want %d", tt.id, status, tt.status)
		}
		if !strings.Contains(line, tt.words) {
			t.Errorf("%s: the line has no %s: %s", tt.id, tt.words, line)
		}
	}
}

// TestLineOfABrokenAnswer: an answer that has begun with 200 and breaks off is a failure in
// the log and in the metrics, with what has happened. One whose client leaves is none.
func TestLineOfABrokenAnswer(t *testing.T) {
	for _, tt := range []struct {
		id, body, words string
	}{
		{"reset", `"stream":true,"mock":{"fail":"reset","after_tokens":3}`, "broken response: "},
		{"closed", `"stream":true,"mock":{"fail":"close","after_tokens":3}`, "broken response: unexpected EOF"},
		{"ended", `"stream":true,"mock":{"fail":"truncate","after_tokens":3}`, "the stream ended before its last event"},
		{"stalled", `"stream":true,"mock":{"fail":"stall","after_tokens":3}`, "timeout between two parts of the response"},
		{"failed", `"stream":true,"mock":{"fail":"error","after_tokens":3}`, "said in the stream that it has failed"},
		{"large", `"mock":{"fail":"reset","padding_bytes":3000000}`, "broken response: "},
	} {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			g := apptest.Start(t, apptest.Options{Service: "idle-timeout: 200ms"})
			line := read(t, g, tt.id, `{"model":"llama2-7b","messages":[],`+tt.body+`}`, io.Discard)
			for _, want := range []string{`"level":"WARN"`, `"status":599`, tt.words, `"server":"`} {
				if !strings.Contains(line, want) {
					t.Errorf("the line has no %s: %s", want, line)
				}
			}
			if n := strings.Count(g.Get(t, "/actuator/prometheus"), `model_request_duration_seconds_count{code="599",`); n != 1 {
				t.Errorf("%d series count what broke off, want 1", n)
			}
		})
	}
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		g := apptest.Start(t, apptest.Options{})
		line := read(t, g, "client", `{"model":"llama2-7b","messages":[],"stream":true,"mock":{"output_tokens":1000,"token_ms":20}}`, nil)
		if !strings.Contains(line, `"level":"INFO"`) || !strings.Contains(line, `"status":200`) || !strings.Contains(line, "the client has left") {
			t.Errorf("the line is %s", line)
		}
	})
}

// read sends a request under an id of its own, copies the answer to w, or leaves in the
// midst of it where that is nil, and returns the line of the log about it.
func read(t *testing.T, g *apptest.Gateway, id, body string, w io.Writer) (line string) {
	t.Helper()
	r := g.Request(t.Context(), chatPath, "alice", body)
	r.Header.Set("X-Request-Id", id)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the status is %d", response.StatusCode)
	}
	if w != nil {
		_, _ = io.Copy(w, response.Body) // it may break off
	} else if _, err := io.ReadFull(response.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return lineOf(g, id)
}

// lineOf waits for the line of the log about a request, and returns it; "" if none comes.
func lineOf(g *apptest.Gateway, id string) (line string) {
	apptest.Eventually(func() bool {
		for l := range strings.Lines(g.Logs.String()) {
			if strings.Contains(l, `"msg":"request","id":"`+id+`"`) {
				line = l
			}
		}
		return line != ""
	})
	return line
}

// TestLineOfABlockedModel: a limit of 0 is named, be it one of a window or not.
func TestLineOfABlockedModel(t *testing.T) {
	for limits, want := range map[string]string{
		"{max-concurrent-requests: 0, max-tokens-per-minute: 10}": `"limit":"concurrent_requests"`,
		"{max-tokens-per-day: 0}":                                 `"limit":"user tokens per day"`,
	} {
		g := apptest.Start(t, apptest.Options{Limits: limits})
		if status, line := ask(t, g, "blocked", chatPath, `{"model":"llama2-7b","messages":[]}`); status != http.StatusForbidden || !strings.Contains(line, want) {
			t.Errorf("%s: %d, and the line has no %s: %s", limits, status, want, line)
		}
	}
}

// TestLineOfACount: where no tokens count there is nothing to estimate, whatever
// the model server answers.
func TestLineOfACount(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 1000}"})
	for path, body := range map[string]string{
		"/tokenize":                 `{"model":"llama2-7b","prompt":"hello"}`,
		"/detokenize":               `{"model":"llama2-7b","tokens":[1,2]}`,
		"/v1/messages/count_tokens": `{"model":"llama2-7b","messages":[{"role":"user","content":"hello"}]}`,
	} {
		id := strings.ReplaceAll(path, "/", "-")
		if status, line := ask(t, g, id, path, body); status != http.StatusOK || strings.Contains(line, "estimated") || !strings.Contains(line, `"input":0,"output":0`) {
			t.Errorf("%s: %d, and the line is %s", path, status, line)
		}
	}
}

// ask sends a request under an id of its own, and returns the answer's status and
// the line of the log about it; "" if none comes.
func ask(t *testing.T, g *apptest.Gateway, id, path, body string) (status int, line string) {
	t.Helper()
	r := g.Request(t.Context(), path, "alice", body)
	r.Header.Set("X-Request-Id", id)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, lineOf(g, id)
}
