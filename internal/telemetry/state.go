package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The metrics of this file show what other parts of the gateway keep. They are read when somebody
// asks, concurrently, so that what is no longer served leaves nothing behind. Each Register...
// panics where its registerer has the name already, as NewMetrics does.

// RegisterBuffers registers the metrics of what is held of request bodies and answers, in bytes,
// and of how often there was no room, with r.
func RegisterBuffers(r prometheus.Registerer, held, most, refused, cutOff func() int64) {
	RegisterGauge(r, "buffered_bytes",
		"Bytes of request bodies and answers that are held at the moment.", held)
	RegisterGauge(r, "buffered_bytes_max",
		"Most bytes of them that may be held at once: server.max-buffered-bytes.", most)
	RegisterCounter(r, "buffered_refused_total",
		"How often there was no room for bytes: a new request was refused, "+
			"or an answer passed on as it came that would have been held.", refused)
	RegisterCounter(r, "buffered_cut_off_total",
		"Clients that were cut off, because they were the slowest when there was no room.", cutOff)
}

// RegisterLostLines registers the counter of lines of the log that were lost with r; nil: none is.
func RegisterLostLines(r prometheus.Registerer, lost func() int64) {
	if lost == nil {
		lost = func() int64 { return 0 }
	}
	RegisterCounter(r, "log_lines_lost_total",
		"Lines of the log that nobody took or that could not be written.", lost)
}

// RegisterGauge registers a gauge with r whose value is told by a function.
func RegisterGauge[N int | int64 | float64](
	r prometheus.Registerer, name, help string, value func() N,
) {
	o := prometheus.GaugeOpts{Name: name, Help: help}
	r.MustRegister(prometheus.NewGaugeFunc(o, func() float64 { return float64(value()) }))
}

// RegisterCounter registers a counter with r whose value is told by a function.
func RegisterCounter[N int | int64](r prometheus.Registerer, name, help string, value func() N) {
	o := prometheus.CounterOpts{Name: name, Help: help}
	r.MustRegister(prometheus.NewCounterFunc(o, func() float64 { return float64(value()) }))
}

// ServerState is how one of the servers of a model stands.
type ServerState struct {
	Model, Server string
	Healthy       bool
	Breaker       int // 0: closed, 1: half-open, 2: open
}

// RegisterServers registers the gauges of what conditions tells with r.
func RegisterServers(r prometheus.Registerer, conditions func() []ServerState) {
	labels := []string{modelLabel, "endpoint"}
	healthy := prometheus.NewDesc("model_endpoint_healthy",
		"1 if the endpoint took a connection, said that it is well and did not lack the model "+
			"when it was last asked.", labels, nil)
	breaker := prometheus.NewDesc("circuit_breaker_state",
		"Whether requests go to the endpoint: "+
			"0 closed (they do), 1 half-open (one a second does), 2 open (none does).", labels, nil)
	descs := []*prometheus.Desc{healthy, breaker}
	r.MustRegister(&reading{descs, func(to chan<- prometheus.Metric) {
		for _, s := range conditions() {
			to <- gauge(healthy, oneIf(s.Healthy), s.Model, s.Server)
			to <- gauge(breaker, float64(s.Breaker), s.Model, s.Server)
		}
	}})
}

// RegisterRefused registers the gauge of models whose accounts the store does not take with r.
// models has every model that is served, and whether it is refused.
func RegisterRefused(r prometheus.Registerer, models func() map[string]bool) {
	refused := prometheus.NewDesc("rate_limit_model_refused",
		"1 while the store refuses what concerns the model: to decide, to settle, "+
			"or to count what is running.", []string{modelLabel}, nil)
	r.MustRegister(&reading{[]*prometheus.Desc{refused}, func(to chan<- prometheus.Metric) {
		for model, yes := range models() {
			to <- gauge(refused, oneIf(yes), model)
		}
	}})
}

// RegisterIssuers registers the gauge of when the keys of issuers of JWTs were read with r. issuers
// has every one whose keys are fetched; the zero time: never.
func RegisterIssuers(r prometheus.Registerer, issuers func() map[string]time.Time) {
	read := prometheus.NewDesc("jwt_issuer_keys_timestamp_seconds",
		"When the keys of the issuer were last read, in seconds since 1970; 0: never.",
		[]string{"issuer"}, nil)
	r.MustRegister(&reading{[]*prometheus.Desc{read}, func(to chan<- prometheus.Metric) {
		for issuer, at := range issuers() {
			seconds := 0.0
			if !at.IsZero() {
				seconds = float64(at.Unix())
			}
			to <- gauge(read, seconds, issuer)
		}
	}})
}

// reading is a [prometheus.CollectorFunc] that is not asked when it is registered: the parts whose
// state it shows may not be there yet.
type reading struct {
	descs   []*prometheus.Desc
	collect func(chan<- prometheus.Metric)
}

// Describe implements prometheus.Collector.
func (r *reading) Describe(to chan<- *prometheus.Desc) {
	for _, d := range r.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (r *reading) Collect(to chan<- prometheus.Metric) { r.collect(to) }

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

// oneIf is how a gauge shows a truth value.
func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
