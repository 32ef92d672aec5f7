package telemetry

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsAreClean(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	model := m.Model("llama2-7b")
	model.Answered("chat_completions", 200, time.Second)
	model.Exceeded("tokens", "minute", "user")
	model.UpstreamError("vllm:8000")
	m.Overhead(time.Millisecond)
	m.Store("reserve", time.Millisecond, errors.New("away"))
	NewEndpoints(r, func() []EndpointStanding { return []EndpointStanding{{"llama2-7b", "vllm:8000", true, 2}} })
	NewRefused(r, func() map[string]bool { return map[string]bool{"llama2-7b": true} })
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestStoreErrorsAreCounted(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	m.Store("reserve", time.Millisecond, nil)
	m.Store("reserve", time.Millisecond, errors.New("away"))
	m.Store("view", time.Millisecond, nil)
	m.Degraded(true)
	want := `
# HELP rate_limit_store_errors_total Calls of the store that failed.
# TYPE rate_limit_store_errors_total counter
rate_limit_store_errors_total{operation="reserve"} 1
rate_limit_store_errors_total{operation="view"} 0
# HELP rate_limit_degraded 1 while the store cannot decide.
# TYPE rate_limit_degraded gauge
rate_limit_degraded 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "rate_limit_store_errors_total", "rate_limit_degraded"); err != nil {
		t.Error(err)
	}
}

func TestEndpoints(t *testing.T) {
	r := prometheus.NewRegistry()
	var all []EndpointStanding
	NewEndpoints(r, func() []EndpointStanding { return all })
	want := func(text string) {
		t.Helper()
		if err := testutil.GatherAndCompare(r, strings.NewReader(text), "model_endpoint_healthy", "circuit_breaker_state"); err != nil {
			t.Error(err)
		}
	}
	want("")
	all = []EndpointStanding{{"m", "a:1", true, 0}, {"m", "b:1/base", false, 2}}
	want(`
# HELP model_endpoint_healthy 1 if the endpoint took a connection, said that it is well and did not lack the model when it was last asked.
# TYPE model_endpoint_healthy gauge
model_endpoint_healthy{endpoint="a:1",model="m"} 1
model_endpoint_healthy{endpoint="b:1/base",model="m"} 0
# HELP circuit_breaker_state Whether requests go to the endpoint: 0 closed (they do), 1 half-open (one a second does), 2 open (none does).
# TYPE circuit_breaker_state gauge
circuit_breaker_state{endpoint="a:1",model="m"} 0
circuit_breaker_state{endpoint="b:1/base",model="m"} 2
`)
	all = nil
	want("")
}

func TestUsersAreHashed(t *testing.T) {
	var b strings.Builder
	NewLogger(&b, LogOptions{HashUsers: true}).Info("request", UserKey, "alice", ClientKey, "192.0.2.1", "model", "alice")
	if got := b.String(); strings.Count(got, "alice") != 1 || strings.Contains(got, "192.0.2.1") || strings.Contains(got, ClientKey) || !strings.Contains(got, `"user":"sha256:2bd806c97f0e00af"`) {
		t.Errorf("the line is %s", got)
	}
}

func TestLevels(t *testing.T) {
	var b strings.Builder
	l := NewLogger(&b, LogOptions{Level: slog.LevelWarn, Text: true})
	l.Info("quiet")
	l.Warn("loud")
	if got := b.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "msg=loud") {
		t.Errorf("the lines are %s", got)
	}
}
