package outcome

import (
	"context"

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
	if r.Model != nil {
		r.Model.Metrics.Answered(r.Endpoint.String(), r.Code(), r.Elapsed())
	}
}
