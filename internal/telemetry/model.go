package telemetry

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// modelLabel is the label that says which model a series is about.
const modelLabel = "model"

// series is a metric with labels.
type series interface {
	DeletePartialMatch(prometheus.Labels) int
}

// models knows which models have series, so that those of a model that has gone
// go with it, however often models are renamed.
type models struct {
	series []series // those with a label for the model

	mu     sync.Mutex
	byName map[string]*Model
}

// Model is the metrics of one model, looked up once: a request costs no more
// than the counting. Get it from Metrics.Model.
type Model struct {
	name string
	m    *Metrics
	held int // by how many; guarded by models.mu

	Input, Output, Cached         prometheus.Counter // tokens used
	Running                       prometheus.Gauge
	FirstToken, PerToken          prometheus.Observer           // seconds
	InputEstimate, OutputEstimate prometheus.Observer           // estimated / used
	Overrun, Refunded, Suppressed prometheus.Counter            // tokens
	Estimated                     map[string]prometheus.Counter // requests, by the reasons

	mu sync.RWMutex
	// successes has the durations of requests that went well, which nearly all do, by
	// endpoint: they are looked up once.
	successes map[string]prometheus.Observer
}

// reasons are why requests were charged by an estimate: the usage of the answer was not
// told, the answer did not come to its end, or what was told is no number of tokens or
// cannot be.
var reasons = [...]string{"missing", "interrupted", "unreadable", "implausible"}

// Model returns the metrics of the model called name, which comes from the
// configuration. Each call is ended by a Release, once nothing more is counted
// on what it has returned.
func (m *Metrics) Model(name string) *Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.byName[name]
	if x == nil {
		x = m.newModel(name)
		m.byName[name] = x
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
		Estimated:      map[string]prometheus.Counter{},
		Overrun:        m.overrun.WithLabelValues(name),
		Refunded:       m.refunded.WithLabelValues(name),
		Suppressed:     m.suppressed.WithLabelValues(name),
		successes:      map[string]prometheus.Observer{},
	}
	for _, reason := range reasons {
		x.Estimated[reason] = m.estimated.WithLabelValues(name, reason)
	}
	for _, code := range refusalCodes { // there at 0: a rate shows the first one
		m.turnedAway.WithLabelValues(name, strconv.Itoa(code))
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
	delete(m.byName, x.name)
	for _, s := range m.series {
		s.DeletePartialMatch(prometheus.Labels{modelLabel: x.name})
	}
}

// Answered notes a request that ended with an HTTP status.
func (m *Model) Answered(endpoint string, status int, d time.Duration) {
	m.durationOf(endpoint, status).Observe(d.Seconds())
}

func (m *Model) durationOf(endpoint string, status int) prometheus.Observer {
	if status != http.StatusOK {
		return m.m.duration.WithLabelValues(m.name, endpoint, strconv.Itoa(status))
	}
	m.mu.RLock()
	duration := m.successes[endpoint]
	m.mu.RUnlock()
	if duration == nil {
		duration = m.m.duration.WithLabelValues(m.name, endpoint, "200")
		m.mu.Lock()
		m.successes[endpoint] = duration
		m.mu.Unlock()
	}
	return duration
}

// Exceeded notes a limit that was in a request's way. The window is empty for
// concurrent requests.
func (m *Model) Exceeded(meter, window, scope string) {
	m.m.exceeded.WithLabelValues(m.name, meter, window, scope).Inc()
}

// refusalCodes are the statuses with which model servers turn requests away for no fault of
// the client's.
var refusalCodes = [...]int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusTooManyRequests, http.StatusServiceUnavailable,
}

// UpstreamRefused notes that a model server has turned a request away with a status. It
// counts those that are no fault of the client's.
func (m *Model) UpstreamRefused(status int) {
	if slices.Contains(refusalCodes[:], status) {
		m.m.turnedAway.WithLabelValues(m.name, strconv.Itoa(status)).Inc()
	}
}

// UpstreamError notes a failure of the model server at an address.
func (m *Model) UpstreamError(address string) {
	m.m.upstream.WithLabelValues(m.name, address).Inc()
}
