package e2e

import (
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestModelWithoutLimits: a model without limits serves whatever becomes of Redis, and
// tells all the same what its users have used and run: what its model server has booked.
func TestModelWithoutLimits(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	g := site{server: server, redis: r, models: map[string]string{model: "{}"}}.serve(t)
	serve := func(n int) {
		for range n {
			if a := g.send(t.Context(), chat{user: "alice", tokens: 5}); a.status != http.StatusOK {
				t.Fatalf("the answer is %d %s", a.status, a.body)
			}
		}
	}
	tokens := func() (used int64) {
		for _, w := range g.usage(t, model, "alice").Windows {
			if w.Meter == "tokens" && w.Window == "day" {
				used = w.Used
			}
		}
		return used
	}
	running := func() (n int64) {
		for _, c := range g.usage(t, model, "alice").Concurrency {
			if c.Scope == "user" {
				n = c.Running
			}
		}
		return n
	}
	serve(10)
	response, err := g.open(t.Context(), chat{user: "alice", tokens: 10_000, pace: 20, stream: true})
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	s := newStream(t, response)
	s.await(t, 3)
	eventually(t, patience, "a running request", func() bool { return running() == 1 })

	r.Kill()
	serve(50)
	if !g.ready() {
		t.Error("a gateway that serves is not ready")
	}
	if status, body := g.get("/api/v1/admin/token-usage/" + model + "/alice"); status != http.StatusServiceUnavailable {
		t.Errorf("while the store is away its usage is %d %s", status, body)
	}
	if err := r.Restart(); err != nil {
		t.Fatal(err)
	}
	serve(10)
	response.Body.Close()
	if err := ledger.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := ledger.Sum(model, "alice")
	eventually(t, healWithin, "a store that answers", func() bool {
		status, _ := g.get("/api/v1/admin/token-usage/" + model + "/alice")
		return status == http.StatusOK
	})
	eventually(t, patience, "books that are equal", func() bool {
		return tokens() == total.Input+total.Output && running() == 0
	})
}
