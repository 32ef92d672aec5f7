package telemetry

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// modelLabel is the label that says which model a series is about.
const modelLabel = "model"

// series is a metric with labels.
type series interface {
	DeletePartialMatch(prometheus.Labels) int
}

// lives knows which models have series, so that those of a model that has gone
// go with it, however often models are renamed.
type lives struct {
	series []series

	mu     sync.Mutex
	models map[string]*Model
}

// Model returns the metrics of the model called name, which comes from the
// configuration. Each call is ended by a Release, once nothing more is counted
// on what it has returned.
func (m *Metrics) Model(name string) *Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.models[name]
	if x == nil {
		x = m.newModel(name)
		if m.models == nil {
			m.models = map[string]*Model{}
		}
		m.models[name] = x
	}
	x.held++
	return x
}

func (m *Metrics) newModel(name string) *Model {
	x := &Model{
		name: name, m: m,
		Input:          m.usage.WithLabelValues(name, "input"),
		Output:         m.usage.WithLabelValues(name, "output"),
		Cached:         m.usage.WithLabelValues(name, "cached"),
		Running:        m.running.WithLabelValues(name),
		FirstToken:     m.firstToken.WithLabelValues(name),
		PerToken:       m.perToken.WithLabelValues(name),
		InputEstimate:  m.estimate.WithLabelValues(name, "input"),
		OutputEstimate: m.estimate.WithLabelValues(name, "output"),
		Estimated: Estimated{
			Missing:     m.estimated.WithLabelValues(name, "missing"),
			Interrupted: m.estimated.WithLabelValues(name, "interrupted"),
			Unreadable:  m.estimated.WithLabelValues(name, "unreadable"),
			Implausible: m.estimated.WithLabelValues(name, "implausible"),
		},
		Overrun:    m.overrun.WithLabelValues(name),
		Refunded:   m.refunded.WithLabelValues(name),
		Suppressed: m.suppressed.WithLabelValues(name),
	}
	for i, code := range refusalCodes { // there at 0: a rate shows the first one
		x.turnedAway[i] = m.turnedAway.WithLabelValues(name, strconv.Itoa(code))
	}
	return x
}

// Release ends what Metrics.Model began. With the last one the series of the
// model are deleted: a model that returns after that begins anew.
func (x *Model) Release() {
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.held--; x.held > 0 {
		return
	}
	delete(m.models, x.name)
	for _, s := range m.series {
		s.DeletePartialMatch(prometheus.Labels{modelLabel: x.name})
	}
}
