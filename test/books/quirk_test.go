package books

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

const chatPath = "/v1/chat/completions"

// A model server that refuses to tell usage within streams is asked again
// without, in the same reservation, and not asked any more.
func TestServerWithoutUsageOptions(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: limits})
	body := `{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"hello"}],"mock":{"output_tokens":9,"stream_options":"reject"}}`
	for i, attempts := range []int{2, 1} {
		id := fmt.Sprint("old-server-", i)
		c := chargeOf(t, g, id, "alice", body, http.StatusOK)
		if n := len(g.Ledger.Attempts(id)); n != attempts || !c.Estimated || c.Output < 9 {
			t.Errorf("%d attempts, want %d; charged %v", n, attempts, c)
		}
		if w := window(t, g, "alice", "requests"); w != int64(i+1) {
			t.Errorf("%d requests are counted after %d", w, i+1)
		}
	}
}

// A refusal that only quotes the words of the request is not taken for one of
// the options: nobody can have the streams of others go unmetered.
func TestRefusalThatQuotesTheOptions(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: limits})
	chargeOf(t, g, "mallory", "mallory", `{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"continuous_usage_stats"}],`+
		`"mock":{"status":400,"body":"{\"error\":{\"message\":\"stream_options, continuous_usage_stats: no\"}}"}}`, http.StatusBadRequest)
	c := chargeOf(t, g, "alice", "alice", `{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"hello"}],`+
		`"mock":{"output_tokens":90,"fail":"truncate","after_tokens":50}}`, http.StatusOK)
	if e, _ := g.Ledger.Entry("alice"); c.Estimated || c.Input != e.Input || c.Output != e.Output {
		t.Errorf("charged %v, the ledger says %d+%d", c, e.Input, e.Output)
	}
	if n := window(t, g, "mallory", "requests"); n != 1 {
		t.Errorf("%d requests are counted", n)
	}
}

// chargeOf sends a chat request, checks the status of the answer and returns
// what was charged, once that is known.
func chargeOf(t *testing.T, g *apptest.Gateway, id, user, body string, status int) charge {
	t.Helper()
	c := newClient(g)
	defer c.http.CloseIdleConnections()
	r := g.Request(t.Context(), chatPath, user, body)
	r.Header.Set("X-Request-Id", id)
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		t.Fatalf("the status is %d", response.StatusCode)
	}
	a := &audit{gateway: g, visits: []visit{{id: id}}}
	if err := a.logged(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a.charges[id]
}

// window returns how much of a meter a user has used of a day.
func window(t *testing.T, g *apptest.Gateway, user, meter string) int64 {
	t.Helper()
	for _, w := range g.Usage(t, user).Windows {
		if w.Scope == "user" && w.Meter == meter {
			return w.Used
		}
	}
	t.Fatalf("no window of %s", meter)
	return 0
}
