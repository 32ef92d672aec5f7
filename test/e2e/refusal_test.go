package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// away is a part of the line that tells of a store that cannot decide.
const away = "the store is away"

// checkTold waits for the line that tells of the store, and checks that it
// tells the cause, too.
func checkTold(t *testing.T, g *gateway, cause string) {
	t.Helper()
	g.stderr.await(t, away)
	if line := g.stderr.lines(away)[0]; !strings.Contains(line, cause) {
		t.Errorf("the line does not tell %s: %s", cause, line)
	}
}

// TestWrongPasswordIsTold: an operator has to see that Redis answers, and what.
func TestWrongPasswordIsTold(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--requirepass", "right")
	g := site{server: "http://127.0.0.1:9", redis: redis, password: "an-old-one", models: map[string]string{model: "{max-requests-per-day: 1000}"}}.serve(t)
	checkTold(t, g, "WRONGPASS")
	if g.ready() {
		t.Error("the gateway is ready")
	}
	if told := g.stderr.String(); strings.Contains(told, "an-old-one") {
		t.Errorf("the log has the password: %s", told)
	}
}

// TestRedisThatRefusesToWriteIsOutlived: a Redis that answers and yet cannot be
// written to (it lacks replicas, memory or disk, or is a replica itself)
// decides nothing, and the gateway is not ready. It recovers by itself.
func TestRedisThatRefusesToWriteIsOutlived(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	redis := redistest.Start(t)
	g := site{server: server, redis: redis, models: map[string]string{model: "{max-tokens-per-hour: 100000}"}}.serve(t)
	request := chat{user: "alice", tokens: 5}
	if a := g.send(t.Context(), request); a.status != http.StatusOK {
		t.Fatalf("the answer is %d %s", a.status, a.body)
	}
	s := g.listen(t, chat{user: "alice", tokens: 200, pace: 20})
	s.await(t, 1)

	set(t, redis, "min-replicas-to-write", "1")
	for range 10 {
		a := g.send(t.Context(), request)
		if a.status != http.StatusServiceUnavailable || a.failure().Error.Code != "store_unavailable" || a.header.Get("Retry-After") == "" {
			t.Fatalf("the answer is %d %v %s", a.status, a.header, a.body)
		}
	}
	eventually(t, healWithin, "not ready", func() bool { return !g.ready() })
	checkTold(t, g, "NOREPLICAS")
	s.await(t, s.events.Load()+20)

	set(t, redis, "min-replicas-to-write", "0")
	eventually(t, healWithin, "ready", g.ready)
	if a := g.send(t.Context(), request); a.status != http.StatusOK {
		t.Errorf("afterwards the answer is %d %s", a.status, a.body)
	}
	s.finish(t, 200)
	eventually(t, healWithin, "settled", func() bool { return g.usage(t, model, "alice").running() == 0 })
	checkBooked(t, g.client, ledger, "alice")
}

// set changes a setting of Redis while it runs.
func set(t *testing.T, redis *redistest.Server, name, value string) {
	t.Helper()
	if _, err := redis.Do("CONFIG", "SET", name, value); err != nil {
		t.Fatal(err)
	}
}
