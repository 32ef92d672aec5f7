package proxy_test

import (
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
	apptest.Eventually(func() bool {
		for l := range strings.Lines(g.Logs.String()) {
			if strings.Contains(l, `"id":"`+id+`"`) {
				line = l
			}
		}
		return line != ""
	})
	return response.StatusCode, line
}
