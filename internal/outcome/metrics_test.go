package outcome

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// TestDenialsOfAllAttempts: a request that two models have denied is counted at each, under
// each limit that was in the way.
func TestDenialsOfAllAttempts(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := telemetry.NewMetrics(registry)
	attempt := func(name string, d admission.DeniedError) Attempt {
		return Attempt{Model: &catalog.Model{Name: name, Metrics: metrics.Model(name)}, Denial: &d}
	}
	rule := limit.Rule{Limit: limit.Limit{Meter: limit.Tokens, Window: limit.Hour}, Scope: limit.UserScope}
	Metrics{metrics}.Read(t.Context(), &Record{
		Status:  429,
		Earlier: []Attempt{attempt("a", admission.DeniedError{Need: limit.Amount{Input: 7}, Violations: []limit.Violation{{Rule: rule}}})},
		Attempt: attempt("b", admission.DeniedError{Full: []limit.Gauge{{Scope: limit.ModelScope}}}),
	})
	want := `# HELP token_rate_limit_exceeded_total Denied requests, by every limit that was in the way.
# TYPE token_rate_limit_exceeded_total counter
token_rate_limit_exceeded_total{meter="tokens",model="a",scope="user",window="hour"} 1
token_rate_limit_exceeded_total{meter="concurrent_requests",model="b",scope="model",window=""} 1
# HELP token_suppressed_total Tokens that denied requests would have been charged.
# TYPE token_suppressed_total counter
token_suppressed_total{model="a"} 7
token_suppressed_total{model="b"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "token_rate_limit_exceeded_total", "token_suppressed_total"); err != nil {
		t.Error(err)
	}
}
