package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Buffers is what is held of request bodies and answers, in bytes, and what came of
// it that this is bounded. It is asked by any goroutine.
type Buffers interface {
	Held() int64
	Most() int64
	Refused() int64
	CutOff() int64
}

// NewBuffered makes the metrics of b and registers them with r. They are read when
// somebody asks.
func NewBuffered(r prometheus.Registerer, b Buffers) {
	f := factory{Registerer: r}
	f.reads("buffered_bytes", "Bytes of request bodies and answers that are held at the moment.", prometheus.GaugeValue, b.Held)
	f.reads("buffered_bytes_max", "Most bytes of them that may be held at once: server.max-buffered-bytes.", prometheus.GaugeValue, b.Most)
	f.reads("buffered_refused_total", "How often there was no room left for bytes: for those of new requests, which were refused, or to hold an answer, which was passed on as it came.",
		prometheus.CounterValue, b.Refused)
	f.reads("buffered_cut_off_total", "Clients that were cut off, because they were the slowest when there was no room left.", prometheus.CounterValue, b.CutOff)
}

// reads registers a metric that is read when somebody asks.
func (f *factory) reads(name, help string, kind prometheus.ValueType, value func() int64) {
	read := func() float64 { return float64(value()) }
	if kind == prometheus.CounterValue {
		f.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
		return
	}
	f.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}
