package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// storeWait is when to come back while the store is away.
const storeWait = time.Second

// misfit returns the answer to a request that can never be admitted.
func (x *exchange) misfit(m *limit.MisfitError) error {
	x.binding = limit.ConcurrentRequests
	if !m.Concurrency {
		x.binding = m.Rule.Name()
	}
	x.explainDecision(neverFits, limit.Amount{})
	if m.Blocked() {
		return failure.Permission("%v: ask the operator for a limit above it", m)
	}
	exceeded := limitOf(&m.Rule)
	if m.Estimated {
		return failure.EstimateExceedsLimit(m.Need, exceeded)
	}
	exceeded.Lower = x.ticket.Insists(m.Rule.Meter)
	return failure.ExceedsLimit(m.Need, exceeded)
}

// denied returns the answer to a request that does not fit now. Those who are denied for
// one limit do not all come back at the same moment.
func (x *exchange) denied(e *admission.DeniedError) error {
	x.binding, x.denial = e.Limit(), e
	x.explainDecision(admission.Denied, e.Need)
	wait := x.h.herd.spread(x.model.Policy.Model(), e.Wait, x.begun)
	return failure.RateLimited(exhausted(e), x.limitsOf(e, wait), wait)
}

// exhausted says what a denial is about: the limit with the longest wait.
func exhausted(e *admission.DeniedError) failure.Exhausted {
	switch {
	case len(e.Violations) == 0:
		return failure.Concurrency
	case e.Violations[0].Rule.Meter == limit.Requests:
		return failure.Requests
	}
	return failure.Tokens
}

// limitsOf lists the limits that were in the way, the longest wait first. For the first one
// the client is told to wait.
func (x *exchange) limitsOf(e *admission.DeniedError, wait time.Duration) []failure.Limit {
	list := make([]failure.Limit, 0, len(e.Violations)+len(e.Full))
	for i := range e.Violations {
		v := &e.Violations[i]
		l := limitOf(&v.Rule)
		l.Used, l.Remaining = v.Used, max(0, v.Rule.Admissible-v.Used)
		l.Need, l.Lower = e.Need.Of(v.Rule.Meter), x.ticket.Lower(v.Rule.Meter)
		l.RetryAfter = v.Wait
		list = append(list, l)
	}
	for _, g := range e.Full {
		list = append(list, failure.Limit{
			Meter: limit.ConcurrentRequests, Scope: g.Scope.String(),
			Max: g.Max, Used: g.Running, RetryAfter: admission.SlotWait,
		})
	}
	list[0].RetryAfter = wait
	return list
}

// limitOf says which limit a rule is.
func limitOf(r *limit.Rule) failure.Limit {
	return failure.Limit{
		Meter: r.Meter.String(), Window: r.Window.String(), Scope: r.Scope.String(),
		Max: r.Max, KeptBack: r.Max - r.Admissible,
	}
}
