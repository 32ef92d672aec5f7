package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// hangUp is a model server that ends the connection after a piece of an answer.
func hangUp(piece string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(c, piece)
			c.Close()
		}
	}
}

// saying is a model server that answers with a status and a body.
func saying(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// saysUsage is one that answers with four words and a usage.
func saysUsage(usage string) http.HandlerFunc {
	return saying(http.StatusOK, `{"choices":[{"index":0,"message":{"content":"one two three four"}}]`+usage+`}`)
}

// TestWhatIsSettled: what an answer costs, whether it is whole or not, why it is estimated
// where it is, and that the metrics say the same.
func TestWhatIsSettled(t *testing.T) {
	const most = 100_000
	late := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else it is not noticed who leaves
		<-r.Context().Done()
	}
	for _, tt := range []struct {
		name     string
		answer   http.HandlerFunc
		tokens   string // charged: none, those that are told, or estimated ones
		requests int64
		reason   string // of the estimate
	}{
		{"told", saysUsage(`,"usage":{"prompt_tokens":12,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":5}}`), "12+4", 1, ""},
		{"no usage", saysUsage(``), "some", 1, "missing"},
		{"no number", saysUsage(`,"usage":{"prompt_tokens":"x","completion_tokens":4}`), "some", 1, "unreadable"},
		{"more than there can be", saysUsage(`,"usage":{"prompt_tokens":12,"completion_tokens":4000000}`), "some", 1, "implausible"},
		{"a part of a head", hangUp("HTTP/1.1 200 OK\r\nContent-"), "some", 1, "interrupted"},
		{"too late", late, "some", 1, "interrupted"},
		{"no answer", hangUp(""), "0+0", 1, ""},
		{"a failure", saying(http.StatusInternalServerError, `{}`), "0+0", 1, ""},
		{"a refusal", saying(http.StatusBadRequest, `{}`), "0+0", 1, ""},
		{"a full queue", saying(http.StatusServiceUnavailable, `{}`), "0+0", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			patience := "1m"
			if tt.name == "too late" {
				patience = "200ms"
			}
			g := apptest.Start(t, apptest.Options{
				Limits: fmt.Sprintf("{max-tokens-per-day: %d, max-requests-per-day: 10}", most), Service: "response-timeout: " + patience,
				Wrap: func(mock http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == chatPath {
							tt.answer(w, r)
							return
						}
						mock.ServeHTTP(w, r)
					})
				},
			})
			_, h, _ := g.Post(t, chatPath, "alice", chat(30, false))
			remaining, err := strconv.ParseInt(h.Get("X-Ratelimit-Remaining-Tokens"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			tokens, requests := settled(t, g, "alice")
			m := modelMetrics(t, g)
			input, output := m[`token_usage_total{type="input"}`], m[`token_usage_total{type="output"}`]
			if got := fmt.Sprintf("%d+%d", input, output); requests != tt.requests || tokens != input+output || got != tt.tokens && (tt.tokens != "some" || tokens < 9) {
				t.Errorf("%d tokens and %d requests are charged, the metrics say %s; want %s and %d", tokens, requests, got, tt.tokens, tt.requests)
			}
			if got := m["token_refunded_total{}"] - m["token_overrun_total{}"]; got != most-remaining-tokens {
				t.Errorf("%d tokens are refunded, of %d that were charged, and %d used", got, most-remaining, tokens)
			}
			if cached := m[`token_usage_total{type="cached"}`]; (cached == 5) != (tt.name == "told") {
				t.Errorf("%d tokens were cached", cached)
			}
			for _, reason := range []string{"missing", "interrupted", "unreadable", "implausible"} {
				if got := m[`token_usage_estimated_total{reason="`+reason+`"}`]; (got == 1) != (reason == tt.reason) {
					t.Errorf("%d requests were estimated as %s, want %q once", got, reason, tt.reason)
				}
			}
			if m["token_concurrent_requests{}"] != 0 {
				t.Error("the request is counted as running")
			}
		})
	}
}

// modelMetrics returns the counters and gauges of the model, by name and other labels.
func modelMetrics(t *testing.T, g *apptest.Gateway) map[string]int64 {
	t.Helper()
	m := map[string]int64{}
	for line := range strings.Lines(g.Get(t, "/actuator/prometheus")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		name, labels, found := strings.Cut(series, `model="`+apptest.Model+`"`)
		if v, err := strconv.ParseFloat(value, 64); found && err == nil {
			m[name+strings.TrimPrefix(labels, ",")+"}"] = int64(v)
		}
	}
	return m
}
