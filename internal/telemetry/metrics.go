package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is every metric of the gateway. It is safe for concurrent use.
type Metrics struct {
	usage      *prometheus.CounterVec
	estimated  *prometheus.CounterVec
	exceeded   *prometheus.CounterVec
	running    *prometheus.GaugeVec
	duration   *prometheus.HistogramVec
	firstToken *prometheus.HistogramVec
	perToken   *prometheus.HistogramVec
	estimate   *prometheus.HistogramVec
	overrun    *prometheus.CounterVec
	refunded   *prometheus.CounterVec
	suppressed *prometheus.CounterVec
	upstream   *prometheus.CounterVec
	turnedAway *prometheus.CounterVec

	overhead      prometheus.Observer
	faults        prometheus.Counter
	storeDuration *prometheus.HistogramVec
	storeErrors   *prometheus.CounterVec
	degraded      prometheus.Gauge
	reloaded      prometheus.Gauge
	reloadedAt    prometheus.Gauge

	models
}

// Buckets of the histograms, in seconds unless the name says otherwise.
var (
	requestBuckets = []float64{
		.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
	}
	tokenBuckets    = []float64{.001, .0025, .005, .01, .015, .02, .03, .05, .075, .1, .25, .5, 1}
	overheadBuckets = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1}
	storeBuckets    = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1}
	ratioBuckets    = []float64{.25, .5, .7, .8, .9, 1, 1.1, 1.25, 1.5, 2, 4}
)

// NewMetrics makes the metrics and registers them with r. It panics where r
// has one of the names already: that is a programmer's mistake.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := &factory{Registerer: r}
	m := &Metrics{
		usage: f.counters("token_usage_total",
			"Tokens that model servers reported or that were estimated, by type; "+
				"cached is a part of input.", "model", "type"),
		estimated: f.counters("token_usage_estimated_total",
			"Requests that were charged by an estimate, because usage was missing, "+
				"unreadable or implausible, or the answer was interrupted.", "model", "reason"),
		exceeded: f.counters("token_rate_limit_exceeded_total",
			"Denied requests, by every limit that was in the way.",
			"model", "meter", "window", "scope"),
		running: f.gauges("token_concurrent_requests",
			"Requests of this replica that are running.", "model"),
		duration: f.histograms("model_request_duration_seconds",
			"Time from the request's arrival to the end of its answer.",
			requestBuckets, "model", "endpoint", "code"),
		firstToken: f.histograms("model_time_to_first_token_seconds",
			"Time from sending a streamed request to its first event.", requestBuckets, "model"),
		perToken: f.histograms("model_time_per_output_token_seconds",
			"Mean time between the output tokens of a stream.", tokenBuckets, "model"),
		estimate: f.histograms("token_estimate_error_ratio",
			"Estimated tokens divided by the tokens used.", ratioBuckets, "model", "part"),
		overrun: f.counters("token_overrun_total",
			"Debt: tokens used beyond what the limits had room for, "+
				"or beyond what they were asked for.", "model"),
		refunded: f.counters("token_refunded_total",
			"Tokens that were charged, not used and given back.", "model"),
		suppressed: f.counters("token_suppressed_total",
			"Tokens that denied requests would have been charged.", "model"),
		upstream: f.counters("model_upstream_errors_total",
			"Requests that a model server did not answer properly, by its address.",
			"model", "endpoint"),
		turnedAway: f.counters("model_upstream_refused_total",
			"Requests that model servers turned away for no fault of the client's: "+
				"a full queue (503, 429), or a credential or a name that they do not know "+
				"(401, 403, 404).", "model", "code"),

		overhead: f.histograms("gateway_overhead_seconds",
			"Time that requests spent in the gateway, the model server's time taken out.",
			overheadBuckets).With(nil),
		faults: f.counters("gateway_faults_total",
			"Requests that a fault of the gateway itself has ended.").With(nil),
		storeDuration: f.histograms("rate_limit_store_duration_seconds",
			"Time that calls of the store took.", storeBuckets, "operation"),
		storeErrors: f.counters("rate_limit_store_errors_total",
			"Calls of the store that failed.", "operation"),
		degraded: f.gauges("rate_limit_degraded",
			"1 while the store cannot decide.").With(nil),
		reloaded: f.gauges("config_last_reload_successful",
			"1 where the configuration's files were right when they were read last.").With(nil),
		reloadedAt: f.gauges("config_last_reload_success_timestamp_seconds",
			"When the configuration was last applied.").With(nil),
	}
	m.models = models{series: f.series, byName: map[string]*Model{}}
	return m
}

// factory makes metrics and registers them.
type factory struct {
	prometheus.Registerer
	series []series // those with a label for the model
}

func (f *factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	f.register(v, labels)
	return v
}

func (f *factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	f.register(v, labels)
	return v
}

func (f *factory) histograms(
	name, help string, buckets []float64, labels ...string,
) *prometheus.HistogramVec {
	o := prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	v := prometheus.NewHistogramVec(o, labels)
	f.register(v, labels)
	return v
}

func (f *factory) register(v interface {
	prometheus.Collector
	series
}, labels []string) {
	f.MustRegister(v)
	if slices.Contains(labels, modelLabel) {
		f.series = append(f.series, v)
	}
}

// Overhead notes how long a request spent in the gateway itself.
func (m *Metrics) Overhead(d time.Duration) { m.overhead.Observe(d.Seconds()) }

// Fault notes that a fault of the gateway itself has ended a request.
func (m *Metrics) Fault() { m.faults.Inc() }

// Store notes a call of the store. It has the shape that stores report to.
func (m *Metrics) Store(operation string, d time.Duration, err error) {
	m.storeDuration.WithLabelValues(operation).Observe(d.Seconds())
	failed := m.storeErrors.WithLabelValues(operation) // there at 0: a rate shows the first one
	if err != nil {
		failed.Inc()
	}
}

// Degraded notes whether the store cannot decide.
func (m *Metrics) Degraded(yes bool) { m.degraded.Set(oneIf(yes)) }

// Reloaded notes that the configuration was read again, and whether it was
// right and is in effect since now.
func (m *Metrics) Reloaded(ok bool, now time.Time) {
	m.reloaded.Set(oneIf(ok))
	if ok {
		m.reloadedAt.Set(float64(now.UnixMilli()) / 1000)
	}
}
