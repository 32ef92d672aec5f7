package hostile_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestAFailureCostsARequest: whatever comes of a request that a model server has got,
// it counts as one, and its tokens where it is known that they were worked on. A full
// queue and a connection that could not be made cost nothing.
func TestAFailureCostsARequest(t *testing.T) {
	const unworked, worked, free = "a request, no tokens", "a request and its tokens", "nothing"
	for _, tt := range []struct {
		name, mock string
		stream     bool
		status     int
		cost       string
	}{
		{"500", `"status":500`, false, http.StatusBadGateway, unworked},
		{"500 for a stream", `"status":500`, true, http.StatusBadGateway, unworked},
		{"502", `"status":502`, false, http.StatusBadGateway, unworked},
		{"400", `"status":400`, false, http.StatusBadRequest, unworked},
		{"429", `"status":429`, false, http.StatusTooManyRequests, unworked},
		{"an answer that is a failure", `"fail":"error"`, false, http.StatusBadGateway, unworked},
		{"a stream that begins with a failure", `"fail":"error"`, true, http.StatusBadGateway, unworked},
		{"closed without an answer", `"fail":"refuse-before-byte"`, false, http.StatusBadGateway, unworked},
		{"reset without an answer", `"fail":"reset-before-byte"`, true, http.StatusBadGateway, unworked},
		{"broken off in an answer", `"fail":"close"`, false, http.StatusBadGateway, worked},
		{"broken off in a stream", `"fail":"close","after_tokens":3`, true, http.StatusOK, worked},
		{"too late", `"ttft_ms":60000`, false, http.StatusGatewayTimeout, worked},
		{"a stream that is too late", `"ttft_ms":60000`, true, http.StatusGatewayTimeout, worked},
		{"its queue is full", `"fail":"queue-full"`, false, http.StatusTooManyRequests, free},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, _ := start(t, apptest.Options{
				Limits:  "{max-requests-per-hour: 10, max-tokens-per-hour: 10000}",
				Service: "first-byte-timeout: 300ms, response-timeout: 300ms",
			})
			body := fmt.Sprintf(`{"model":"llama2-7b","stream":%v,"messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":9,%s}}`, tt.stream, tt.mock)
			status, _, answer := g.Post(t, chatPath, "alice", body)
			if status != tt.status {
				t.Errorf("the answer is %d %s, want %d", status, answer, tt.status)
			}
			if cost := costOf(t, g); cost != tt.cost {
				t.Errorf("it has cost %s, want %s", cost, tt.cost)
			}
		})
	}
}

// costOf says what alice's request has cost, once it is settled.
func costOf(t *testing.T, g *apptest.Gateway) string {
	t.Helper()
	used := map[string]int64{}
	for _, w := range g.Usage(t, "alice").Windows {
		if w.Reserved != 0 {
			t.Errorf("%d %s are held at the end", w.Reserved, w.Meter)
		}
		used[w.Meter] = w.Used
	}
	switch {
	case used["requests"] == 1 && used["tokens"] == 0:
		return "a request, no tokens"
	case used["requests"] == 1:
		return "a request and its tokens"
	case used["requests"] == 0 && used["tokens"] == 0:
		return "nothing"
	}
	return fmt.Sprint(used)
}

// TestAConnectionThatFailsCostsNothing: a request that could not be sent is given
// back, and one that was sent counts although the next connection could not be made.
func TestAConnectionThatFailsCostsNothing(t *testing.T) {
	nobody := httptest.NewServer(nil)
	nobody.Close()
	g, _ := start(t, apptest.Options{ServerURL: nobody.URL, Limits: "{max-requests-per-hour: 10, max-tokens-per-hour: 10000}"})
	for range 2 { // the second finds that it is away
		if status, _, body := g.Post(t, chatPath, "alice", chat); status != http.StatusServiceUnavailable {
			t.Errorf("nobody listens: %d %s", status, body)
		}
	}
	if cost := costOf(t, g); cost != "nothing" {
		t.Errorf("where nobody listens it has cost %s", cost)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // a server that answers one request and dies of the next
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if len(body) == 0 {
				return
			}
			_ = l.Close()
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
		}))
	}()
	g, _ = start(t, apptest.Options{ServerURL: "http://" + l.Addr().String(), Limits: "{max-requests-per-hour: 10, max-tokens-per-hour: 10000}"})
	if status, _, body := g.Post(t, chatPath, "alice", chat); status < 500 {
		t.Errorf("the server has died: %d %s", status, body)
	}
	if cost := costOf(t, g); cost != "a request, no tokens" {
		t.Errorf("a request that its server has died of has cost %s", cost)
	}
}

// TestFailuresAreLimited: a user whose requests make the model server fail gets as
// many of them as the limit of requests says.
func TestFailuresAreLimited(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: "{max-requests-per-minute: 7}"})
	got := map[int]int{}
	for range 30 {
		status, _, _ := g.Post(t, chatPath, "mallory", `{"model":"llama2-7b","messages":[],"mock":{"status":500}}`)
		got[status]++
	}
	if got[http.StatusBadGateway] != 7 || got[http.StatusTooManyRequests] != 23 || len(r.all()) != 7 {
		t.Errorf("of 30 failing requests on a limit of 7: %v, and %d have reached the model server", got, len(r.all()))
	}
}
