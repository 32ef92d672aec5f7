package telemetry

import (
	"errors"
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
	RegisterServers(r, func() []ServerState { return []ServerState{{"llama2-7b", "vllm:8000", true, 2}} })
	RegisterRefused(r, func() map[string]bool { return map[string]bool{"llama2-7b": true} })
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
