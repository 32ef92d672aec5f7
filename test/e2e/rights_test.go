package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// health is the part of the readiness document about models.
type health struct {
	Components struct {
		Models struct{ Refused, Commands []string }
	}
}

// lacking returns the models that are refused, and the commands.
func (c client) lacking(t *testing.T) (models, commands []string) {
	t.Helper()
	_, body := c.get("/actuator/health/readiness")
	var h health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return h.Components.Models.Refused, h.Components.Models.Commands
}

// TestRefusedCommandIsTold: with the rights that the document lists all is served; where
// one command is missing, from the start or while requests run, nothing is half written:
// requests get 503, readiness and log name the command, and in the end the books hold
// what was generated.
func TestRefusedCommandIsTold(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	redis := redistest.Start(t)
	allow := func(more ...string) {
		if err := redis.Allow(more...); err != nil {
			t.Fatal(err)
		}
	}
	allow("-hdel")
	s := site{
		server: server, redis: redis, password: redistest.GatewayPassword, redisMore: "username: " + redistest.GatewayUser,
		models: map[string]string{model: "{max-tokens-per-hour: 100000, max-concurrent-requests: 20}"},
	}
	g := s.serve(t)
	refused := func() {
		t.Helper()
		eventually(t, healWithin, "readiness names the command", func() bool {
			models, commands := g.lacking(t)
			return slices.Equal(models, []string{model}) && slices.Equal(commands, []string{"HDEL"}) && !g.ready()
		})
		if a := g.send(t.Context(), chat{user: "alice", tokens: 5}); a.status != http.StatusServiceUnavailable {
			t.Errorf("without HDEL the answer is %d %s", a.status, a.body)
		}
		g.stderr.await(t, "REFUSED HDEL")
	}
	refused() // before any request
	if n, err := redis.Do("DBSIZE"); err != nil || n != int64(0) {
		t.Errorf("%v keys were written: %v", n, err)
	}
	allow()
	eventually(t, healWithin, "ready", g.ready)
	for range 10 {
		if a := g.send(t.Context(), chat{user: "alice", tokens: 5}); a.status != http.StatusOK {
			t.Fatalf("with the rights of the document the answer is %d %s", a.status, a.body)
		}
	}

	var streams []*stream
	for range 5 {
		streams = append(streams, g.listen(t, chat{user: "alice", tokens: 40, pace: 10}))
	}
	for _, s := range streams {
		s.await(t, 3)
	}
	allow("-hdel")
	for _, s := range streams {
		s.finish(t, 40)
	}
	refused()
	allow()
	eventually(t, healWithin, "ready", g.ready)
	eventually(t, patience, "settled", func() bool { return g.usage(t, model, "alice").running() == 0 })
	checkBooked(t, g.client, ledger, "alice")
}
