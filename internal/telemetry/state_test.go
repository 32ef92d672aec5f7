package telemetry

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestEndpoints(t *testing.T) {
	r := prometheus.NewRegistry()
	var all []ServerState
	RegisterServers(r, func() []ServerState { return all })
	want := func(text string) {
		t.Helper()
		if err := testutil.GatherAndCompare(r, strings.NewReader(text), "model_endpoint_healthy", "circuit_breaker_state"); err != nil {
			t.Error(err)
		}
	}
	want("")
	all = []ServerState{{"m", "a:1", true, 0}, {"m", "b:1/base", false, 2}}
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
