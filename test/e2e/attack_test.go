package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// post sends a body for a user and returns the status and what was answered.
func (c client) post(t testing.TB, path, user, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-ID", user)
	response, err := c.http.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: string(b), err: err}
}

// TestAttacksAreServedNothing: 25,000 words under every name that was free once, and
// under others like them, on every endpoint, at a limit of 2,000 tokens a minute. The
// model server's template prints whatever it gets.
func TestAttacksAreServedNothing(t *testing.T) {
	t.Parallel()
	ledger := &mockvllm.Ledger{}
	mock := mockvllm.New(mockvllm.Options{Ledger: ledger, Models: []mockvllm.Model{{Name: model, PrintsAll: true, ContextLength: 1 << 20}}})
	server := httptest.NewServer(mock)
	t.Cleanup(func() {
		mock.Close()
		server.Close()
	})
	const limit = 2000
	g := site{server: server.URL, models: map[string]string{model: "{max-tokens-per-minute: 2000}"}}.serve(t)
	sent := 0
	var beyond int64
	for path, bodies := range apptest.Attacks(25_000) {
		for _, body := range bodies {
			sent++
			user := "attacker-" + strconv.Itoa(sent) // each has an account of its own
			a := g.post(t, path, user, strings.Replace(body, apptest.Attacker, user, 1))
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, "request_exceeds_limit") {
				t.Errorf("%s: %d %.200s for %.200s", path, a.status, a.body, body)
			}
			spent := ledger.Sum(model, user)
			beyond += max(0, spent.Input+spent.Output-limit)
		}
	}
	if beyond > 0 {
		t.Errorf("%d tokens were served beyond the limits", beyond)
	}
	if a := g.send(t.Context(), chat{user: "alice", tokens: 1, maxTokens: 1}); a.status != http.StatusOK {
		t.Errorf("an ordinary request is answered %d %s", a.status, a.body)
	}
	t.Logf("%d attacks, %d tokens beyond the limits", sent, beyond)
}
