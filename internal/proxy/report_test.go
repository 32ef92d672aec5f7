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
		Limits:  "{max-requests-per-minute: 4, max-input-tokens-per-day: 50, max-concurrent-requests: 1}",
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
		r := g.Request(t.Context(), chatPath, "alice", `{"model":"llama2-7b","messages":[{"role":"user","content":"`+content+`"}],`+tt.body+`}`)
		r.Header.Set("X-Request-Id", tt.id)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.id, response.StatusCode, tt.status)
		}
		if line := lineOf(g, tt.id); !strings.Contains(line, tt.words) {
			t.Errorf("%s: the line has no %s: %s", tt.id, tt.words, line)
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
		r := g.Request(t.Context(), path, "alice", body)
		id := strings.ReplaceAll(path, "/", "-")
		r.Header.Set("X-Request-Id", id)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if line := lineOf(g, id); response.StatusCode != http.StatusOK || strings.Contains(line, "estimated") || !strings.Contains(line, `"input":0,"output":0`) {
			t.Errorf("%s: %d, and the line is %s", path, response.StatusCode, line)
		}
	}
}

// lineOf returns the line of the log about the request of that id, once there is
// one; "" if none comes.
func lineOf(g *apptest.Gateway, id string) (line string) {
	apptest.Eventually(func() bool {
		for l := range strings.Lines(g.Logs.String()) {
			if strings.Contains(l, `"id":"`+id+`"`) {
				line = l
			}
		}
		return line != ""
	})
	return line
}
