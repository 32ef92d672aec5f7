package e2e

import (
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// evictionWarning is a part of the line that warns.
const evictionWarning = "drops live counters"

func TestRedisThatMayDropCountersIsWarnedOfOnce(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]int{"allkeys-lru": 1, "volatile-ttl": 1, "noeviction": 0} {
		t.Run(policy, func(t *testing.T) {
			_, server := newModelServer(t)
			redis := redistest.Start(t, "--maxmemory-policy", policy)
			g := site{server: server, redis: redis, models: map[string]string{model: "{max-tokens-per-minute: 1000}"}}.serve(t)
			if want > 0 {
				g.stderr.await(t, evictionWarning)
			}
			// Back after an outage: that is no reason to warn again.
			redis.Pause()
			g.stderr.await(t, "the store is away")
			redis.Resume()
			g.stderr.await(t, "the store is back")
			if a := g.send(t.Context(), chat{user: "alice", tokens: 3}); a.status != http.StatusOK {
				t.Errorf("the answer is %d %s", a.status, a.body)
			}
			if lines := g.stderr.lines(evictionWarning); len(lines) != want {
				t.Errorf("%d lines warn, not %d: %q", len(lines), want, lines)
			}
		})
	}
}
