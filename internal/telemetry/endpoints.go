package telemetry

import "github.com/prometheus/client_golang/prometheus"

// EndpointStanding is how one of the endpoints of a model stands.
type EndpointStanding struct {
	Model, Endpoint string
	Healthy         bool
	Breaker         int // 0: closed, 1: half-open, 2: open
}

// Endpoints is the gauges of endpoints. They are read when somebody asks, from
// what is known then, so that endpoints that are no longer served leave nothing
// behind. Make it with NewEndpoints.
type Endpoints struct {
	standings        func() []EndpointStanding
	healthy, breaker *prometheus.Desc
}

var _ prometheus.Collector = (*Endpoints)(nil)

// NewEndpoints returns the gauges of what standings tells, and registers them
// with r. standings may be called concurrently.
func NewEndpoints(r prometheus.Registerer, standings func() []EndpointStanding) *Endpoints {
	labels := []string{"model", "endpoint"}
	e := &Endpoints{
		standings: standings,
		healthy: prometheus.NewDesc("model_endpoint_healthy",
			"1 if the endpoint took a connection, said that it is well and did not lack the model when it was last asked.", labels, nil),
		breaker: prometheus.NewDesc("circuit_breaker_state",
			"Whether requests go to the endpoint: 0 closed (they do), 1 half-open (one a second does), 2 open (none does).", labels, nil),
	}
	r.MustRegister(e)
	return e
}

// Describe implements prometheus.Collector.
func (e *Endpoints) Describe(to chan<- *prometheus.Desc) {
	to <- e.healthy
	to <- e.breaker
}

// Collect implements prometheus.Collector.
func (e *Endpoints) Collect(to chan<- prometheus.Metric) {
	for _, s := range e.standings() {
		well := 0.0
		if s.Healthy {
			well = 1
		}
		to <- prometheus.MustNewConstMetric(e.healthy, prometheus.GaugeValue, well, s.Model, s.Endpoint)
		to <- prometheus.MustNewConstMetric(e.breaker, prometheus.GaugeValue, float64(s.Breaker), s.Model, s.Endpoint)
	}
}
