package operations

import (
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestOneModelIsRefused: keys of one model that Redis does not let be used are that
// model's trouble. Readiness stays on while another one is served; the health
// document, the metrics and the log tell which.
func TestOneModelIsRefused(t *testing.T) {
	server := redistest.Start(t)
	g := apptest.Start(t, apptest.Options{Redis: server.Addr, Aliases: []string{"other"}, Limits: "{max-requests-per-day: 1000}", RateLimit: "defaults: {max-requests-per-day: 1000}"})
	key := func(model string) string { return "token:concurrent:{" + model + "}" }
	command := func(args ...string) {
		t.Helper()
		if _, err := server.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(model string, want int) {
		t.Helper()
		if status, _, body := g.Post(t, chatPath, "alice", `{"model":"`+model+`","messages":[{"role":"user","content":"hello"}]}`); status != want {
			t.Fatalf("%s: %d %s, want %d", model, status, body, want)
		}
	}
	ready := func(want int, says string) {
		t.Helper()
		if status, body := g.Probe(t, "/actuator/health/readiness"); status != want || !strings.Contains(body, says) {
			t.Errorf("readiness is %d %s, want %d and %s", status, body, want, says)
		}
	}
	gauge := func(model, value string) {
		t.Helper()
		if text := g.Get(t, "/actuator/prometheus"); !strings.Contains(text, `rate_limit_model_refused{model="`+model+`"} `+value+"\n") || !strings.Contains(text, "\nrate_limit_degraded 0\n") {
			t.Errorf("the metrics do not tell %s of %s, or more than one model is in trouble", value, model)
		}
	}
	told := func(text string) {
		t.Helper()
		if !apptest.Eventually(func() bool { return strings.Contains(g.Logs.String(), text) }) {
			t.Fatalf("the log does not tell %q:\n%s", text, g.Logs)
		}
	}
	ask("other", http.StatusOK)
	command("SET", key(apptest.Model), "foreign")
	ask(apptest.Model, http.StatusServiceUnavailable)
	ready(http.StatusOK, `"refused":["`+apptest.Model+`"]`)
	gauge(apptest.Model, "1")
	gauge("other", "0")
	told(`"the store refuses one model`)
	ask("other", http.StatusOK)

	if !apptest.Eventually(func() bool { // its settlements are on their way
		command("SET", key("other"), "foreign")
		status, _ := g.Probe(t, "/actuator/health/readiness")
		return status == http.StatusServiceUnavailable
	}) {
		t.Error("the gateway is ready, and serves no model")
	}
	command("DEL", key(apptest.Model), key("other"))
	told(`"msg":"the store takes the model again","model":"` + apptest.Model)
	ask(apptest.Model, http.StatusOK)
	ready(http.StatusOK, `"models":{"status":"UP"}`)
	gauge(apptest.Model, "0")
	if strings.Contains(g.Logs.String(), "the store is away") {
		t.Errorf("the store is said to be away:\n%s", g.Logs)
	}
}
