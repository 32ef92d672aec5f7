package outcome

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
)

// Metrics counts requests. What they were charged is counted when it is settled, before a
// client can know of it.
type Metrics struct{ *telemetry.Metrics }

// Read implements Reader.
func (m Metrics) Read(_ context.Context, r *Record) {
	m.Overhead(r.Own())
	if r.Fault() {
		m.Fault()
	}
	for i := range r.Earlier {
		r.Earlier[i].countDenial()
	}
	if r.Model == nil {
		return
	}
	r.countDenial()
	if r.Cost.Complete {
		r.countPace()
	}
	r.Model.Metrics.Answered(r.Endpoint.String(), r.Code(), r.Elapsed())
}

// countDenial counts a denial under each limit that was in the way.
func (a *Attempt) countDenial() {
	if a.Denial == nil {
		return
	}
	m := a.Model.Metrics
	m.Suppressed.Add(float64(a.Denial.Need.Tokens()))
	for i := range a.Denial.Violations {
		r := &a.Denial.Violations[i].Rule
		m.Exceeded(r.Meter.String(), r.Window.String(), r.Scope.String())
	}
	for _, g := range a.Denial.Full {
		m.Exceeded(limit.ConcurrentRequests, "", g.Scope.String())
	}
}

// countPace notes how fast a complete stream was.
func (a *Attempt) countPace() {
	if a.Pace.First.IsZero() {
		return
	}
	m := a.Model.Metrics
	m.FirstToken.Observe(a.Pace.First.Sub(a.Sent).Seconds())
	if n := a.Cost.Usage.Output; n > 1 {
		m.PerToken.Observe(a.Pace.Last.Sub(a.Pace.First).Seconds() / float64(n-1))
	}
}
