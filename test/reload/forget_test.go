package reload

import (
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestRemovedModelLeavesRedis: of a model that was removed nothing is left to do in
// Redis; it returns with what it has used.
func TestRemovedModelLeavesRedis(t *testing.T) {
	server := redistest.Start(t)
	limits := func(o *apptest.Options) { o.RateLimit = "defaults: {max-requests-per-day: 100}" }
	o := apptest.Options{Redis: server.Addr, Reloads: true, Aliases: []string{"other"}}
	limits(&o)
	g := apptest.Start(t, o)
	ask := func(want int) {
		t.Helper()
		if status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"other","messages":[{"role":"user","content":"hello"}]}`); status != want {
			t.Fatalf("%d %s, want %d", status, body, want)
		}
	}
	left := func() bool {
		return strings.Contains(g.Get(t, "/actuator/prometheus"), `rate_limit_store_duration_seconds_count{operation="leave"} 1`)
	}
	ask(http.StatusOK)
	if left() {
		t.Error("a model that is served is forgotten")
	}
	g.Configure(t, func(o *apptest.Options) { o.Aliases = nil })
	if !apptest.Eventually(left) {
		t.Fatal("a model that was removed keeps its lease")
	}
	ask(http.StatusNotFound)
	g.Configure(t, func(o *apptest.Options) { o.Aliases = []string{"other"} })
	g.Reload()
	ask(http.StatusOK)
	if !apptest.Eventually(func() bool { return g.UsageOf(t, "other", "alice").Windows[0].Used == 2 }) {
		t.Errorf("it returns as %+v, want 2 requests used", g.UsageOf(t, "other", "alice"))
	}
}
