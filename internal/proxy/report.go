package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
)

// report makes the record of what the request came to, and has it read.
func (x *exchange) report() {
	x.record = outcome.Record{
		ID: x.id, Endpoint: x.endpoint, Stream: x.request.Stream,
		Client: gate.ClientAddress(x.r, x.h.Gate.TrustedProxies),
		User:   x.principal.User, Tenant: x.principal.Tenant, Credential: x.principal.Credential,
		Begun: x.begun, Ended: time.Now(), Attempt: x.attempt.outcome(), Earlier: x.earlier,
		Status: x.status, Err: x.err, Trace: x.spans.whole,
	}
	for _, r := range x.h.Readers {
		r.Read(x.ctx, &x.record)
	}
}
