package telemetry

import "github.com/prometheus/client_golang/prometheus"

// NewLostLines makes the metric of lines of the log that were lost, and registers it
// with r. It is read when somebody asks. A nil lost means that none ever is.
func NewLostLines(r prometheus.Registerer, lost func() int64) {
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "log_lines_lost_total", Help: "Lines of the log that nobody took or that could not be written.",
	}, func() float64 {
		if lost == nil {
			return 0
		}
		return float64(lost())
	}))
}
