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
	gauge := func(o prometheus.GaugeOpts, value func() int64) {
		r.MustRegister(prometheus.NewGaugeFunc(o, func() float64 { return float64(value()) }))
	}
	counter := func(o prometheus.CounterOpts, value func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(o, func() float64 { return float64(value()) }))
	}
	gauge(prometheus.GaugeOpts{
		Name: "buffered_bytes", Help: "Bytes of request bodies and answers that are held at the moment.",
	}, b.Held)
	gauge(prometheus.GaugeOpts{
		Name: "buffered_bytes_max", Help: "Most bytes of them that may be held at once: server.max-buffered-bytes.",
	}, b.Most)
	counter(prometheus.CounterOpts{
		Name: "buffered_refused_total",
		Help: "How often there was no room for bytes: a new request was refused, or an answer passed on as it came that would have been held.",
	}, b.Refused)
	counter(prometheus.CounterOpts{
		Name: "buffered_cut_off_total", Help: "Clients that were cut off, because they were the slowest when there was no room.",
	}, b.CutOff)
}
