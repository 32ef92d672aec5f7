package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Refused is the gauge of models whose accounts the store does not take. It is read
// when somebody asks, so that models that are no longer served leave nothing behind.
// Make it with NewRefused.
type Refused struct {
	models func() map[string]bool
	desc   *prometheus.Desc
}

var _ prometheus.Collector = (*Refused)(nil)

// NewRefused returns the gauge of what models tells, which has every model that is
// served and whether it is refused, and registers it with r. models may be called
// concurrently.
func NewRefused(r prometheus.Registerer, models func() map[string]bool) *Refused {
	c := &Refused{models: models, desc: prometheus.NewDesc("rate_limit_model_refused",
		"1 while the store refuses what concerns the model: to decide, to settle, or to count what is running.", []string{modelLabel}, nil)}
	r.MustRegister(c)
	return c
}

// Describe implements prometheus.Collector.
func (c *Refused) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c *Refused) Collect(to chan<- prometheus.Metric) {
	for model, refused := range c.models() {
		value := 0.0
		if refused {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, value, model)
	}
}
