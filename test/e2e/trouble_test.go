package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestWrongWayToRedisIsTold: the log names the address and the setting, and failures are
// counted though Redis never answered.
func TestWrongWayToRedisIsTold(t *testing.T) {
	t.Parallel()
	for more, says := range map[string]string{
		"tls: {enabled: true}": "redis.tls.enabled",
		"database: 99":         "redis.database",
	} {
		redis := redistest.Start(t)
		g := site{server: "http://127.0.0.1:9", redis: redis, redisMore: more, wait: "50ms", models: map[string]string{model: "{}"}}.serve(t)
		checkTold(t, g, says)
		checkTold(t, g, redis.Addr)
		if n := storeErrors(g); n == "" || n == "0" {
			t.Errorf("%s: rate_limit_store_errors_total is %q", more, n)
		}
	}
}

// storeErrors returns the first value of rate_limit_store_errors_total that is not 0;
// "" where there is none.
func storeErrors(g *gateway) string {
	_, body := g.get("/actuator/prometheus")
	for line := range strings.Lines(body) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, "rate_limit_store_errors_total") && value != "0" {
			return value
		}
	}
	return ""
}

// TestSlowMomentOfRedisIsNoOutage: a Redis that misses one answer now and then is not said
// to be away, by the log, readiness or the gauge.
func TestSlowMomentOfRedisIsNoOutage(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	redis := redistest.Start(t)
	const timeout = 400 * time.Millisecond // of which a busy machine keeps two more
	g := site{server: server, redis: redis, wait: timeout.String(), models: map[string]string{model: "{}"}}.serve(t)
	eventually(t, patience, "ready", g.ready)
	for range 3 {
		redis.Pause()
		time.AfterFunc(timeout*3/2, redis.Resume)
		// Readiness asks Redis, as the watch does, and gets its answer the second time.
		if status, body := g.get("/actuator/health/readiness"); status != http.StatusOK {
			t.Errorf("readiness is %d %s", status, body)
		}
		if _, body := g.get("/actuator/prometheus"); !strings.Contains(body, "rate_limit_degraded 0") {
			t.Error("rate_limit_degraded is not 0")
		}
	}
	if told := g.stderr.lines(away); len(told) > 0 {
		t.Errorf("the log says %s", told)
	}
}

// TestUsersWithOddNames: names that look like parts of keys are names, and have accounts
// of their own.
func TestUsersWithOddNames(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	g := site{server: server, redis: redistest.Start(t), models: map[string]string{model: "{max-tokens-per-hour: 100000}"}}.serve(t)
	names := []string{"a", "a:b", ":a", "a:", "{a}", "}:a", "a%3Ab", "%25", "%", "a}:b", "{", ".try"}
	for i, name := range names {
		if a := g.send(t.Context(), chat{user: name, tokens: 5 + i}); a.status != http.StatusOK {
			t.Fatalf("%s: the answer is %d %s", name, a.status, a.body)
		}
	}
	first, _ := g.usage(t, model, names[0]).longest()
	for i, name := range names {
		if used, _ := g.usage(t, model, name).longest(); used != first+int64(i) {
			t.Errorf("%q has used %d, want %d", name, used, first+int64(i))
		}
	}
}
