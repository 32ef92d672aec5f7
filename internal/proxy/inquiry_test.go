package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestQuestionsBeforeFullQueues: a question that was answered counts, also where the
// request after it meets what costs nothing by itself.
func TestQuestionsBeforeFullQueues(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse http.HandlerFunc
		denied int // answers with 429
	}{
		{"a full queue", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, 12},
		{"a failure", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 7},
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &counting{}
			g := apptest.Start(t, apptest.Options{
				Limits: "{max-tokens-per-minute: 100000, max-requests-per-minute: 5, input-estimate: exact}",
				Wrap: func(mock http.Handler) http.Handler {
					counted := c.wrap(mock)
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == chatPath {
							tt.refuse(w, r)
							return
						}
						counted.ServeHTTP(w, r)
					})
				},
			})
			statuses := map[int]int{}
			for range 12 {
				status, _, _ := g.Post(t, chatPath, "alice", question(groups(100), ""))
				statuses[status]++
			}
			if c.questions.Load() != 5 || statuses[http.StatusTooManyRequests] != tt.denied {
				t.Errorf("%d questions, answers by status: %v; want 5, and %d with 429", c.questions.Load(), statuses, tt.denied)
			}
		})
	}
}

// TestQuestionsToNobody: a question that no model server has got costs nothing, and that
// it could not be asked is no reason for the client to give up.
func TestQuestionsToNobody(t *testing.T) {
	for _, limits := range []string{"{max-tokens-per-minute: 150, max-requests-per-minute: 2}",
		"{max-tokens-per-minute: 1000, max-requests-per-minute: 2, input-estimate: exact}"} {
		g := apptest.Start(t, apptest.Options{ServerURL: "http://127.0.0.1:9", Limits: limits})
		for i := range 4 {
			status, h, body := g.Post(t, chatPath, "alice", question(groups(100), ""))
			if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || strings.Contains(body, "request_exceeds_limit") {
				t.Errorf("%s: the answer %d is %d %s", limits, i, status, body)
			}
		}
		for _, w := range g.Usage(t, "alice").Windows {
			if w.Used != 0 {
				t.Errorf("%s: %s", limits, fmt.Sprint(w))
			}
		}
	}
}
