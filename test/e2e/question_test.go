package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestQuestionsHaveTheirLimit: with input-estimate: exact a model server is asked for the
// tokens of those only whom the limits would admit, and a question counts as a request,
// also where the request then meets a server that fails. Before, every request asked.
func TestQuestionsHaveTheirLimit(t *testing.T) {
	t.Parallel()
	const most, sent = 5, 40
	mock := mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: model}}, Ledger: &mockvllm.Ledger{}})
	var asked, fails atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/tokenize":
			asked.Add(1)
		case r.URL.Path == "/v1/chat/completions" && fails.Load() > 0:
			http.Error(w, "{}", http.StatusInternalServerError)
			return
		}
		mock.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		mock.Close()
		server.Close()
	})
	g := site{server: server.URL, service: "breaker-failures: 0", models: map[string]string{
		model: fmt.Sprintf("{max-requests-per-hour: %d, max-tokens-per-hour: 1000000, input-estimate: exact}", most),
	}}.serve(t)
	for i, user := range []string{"alice", "mallory"} {
		fails.Store(int64(i)) // all of mallory's requests
		asked.Store(0)
		seen := map[int]int{}
		for range sent {
			seen[g.send(t.Context(), chat{user: user, tokens: 3}).status]++
		}
		if n := asked.Load(); n != most || seen[http.StatusTooManyRequests] != sent-most {
			t.Errorf("%s: %d questions for %d requests of a limit of %d: %v", user, n, sent, most, seen)
		}
		if used, _ := g.usage(t, model, user).of("requests"); used != most {
			t.Errorf("%s: %d requests are counted, want %d", user, used, most)
		}
	}
}

// of returns what is used and reserved of the first window of a meter.
func (u usage) of(meter string) (used, reserved int64) {
	for _, w := range u.Windows {
		if w.Meter == meter {
			return w.Used, w.Reserved
		}
	}
	return -1, -1
}
