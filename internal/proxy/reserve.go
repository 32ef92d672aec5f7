package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

const (
	// slotWait is when to come back for a running slot: nobody knows when one
	// becomes free.
	slotWait = time.Second
	// storeWait is when to come back while the store is away.
	storeWait = time.Second
)

// reserve charges the price to every limit that applies, or denies. Where the model
// server has counted the tokens, that is done: see ask.
func (x *exchange) reserve() error {
	if x.grant.IsOpen() {
		return nil
	}
	span := x.spans.whole.Child("reserve")
	err := x.h.Store.Reserve(x.ctx, x.model.Policy, x.principal.User, x.charge, &x.grant, &x.decision)
	if err != nil {
		span.Fail("store_unavailable")
	}
	span.Flag("token_rate_limiter.admitted", err == nil && x.decision.Admitted)
	span.End(time.Time{})
	if err != nil {
		x.explainDecision(undecided, x.charge)
		return x.undecided(err)
	}
	x.tellStanding()
	if !x.decision.Admitted {
		return x.deny()
	}
	x.explainDecision(admitted, x.charge)
	x.model.Metrics.Running.Inc()
	return nil
}

// tellStanding tells the client where it stands, in the fields of its libraries too.
func (x *exchange) tellStanding() {
	x.answer = writeStanding(x.w.Header(), x.model, &x.decision, x.answer) // there is no answer yet
	if x.endpoint.Anthropic() {
		x.answer = writeAnthropicStanding(x.w.Header(), x.model, &x.decision, time.Now(), x.answer)
	}
}

// undecided returns the answer where the store has not decided.
func (x *exchange) undecided(err error) error {
	switch {
	case x.left():
		return context.Canceled
	case errors.Is(err, limit.ErrClosed):
		return openai.ShuttingDown(drainWait)
	}
	return openai.StoreUnavailable(storeWait)
}

// deny returns the answer to a request that does not fit now.
func (x *exchange) deny() error {
	d := &x.decision
	m := x.model.Metrics
	m.Suppressed.Add(float64(x.charge.Tokens()))
	for i := range d.Violations {
		r := &d.Violations[i].Rule
		m.Exceeded(r.Meter.String(), r.Window.String(), r.Scope.String())
	}
	for _, g := range d.Full {
		m.Exceeded(concurrentRequests, "", g.Scope.String())
	}
	var wait time.Duration
	if len(d.Full) > 0 {
		wait = slotWait
		x.binding = d.Full[0].Scope.String() + " " + concurrentRequests
	}
	if len(d.Violations) > 0 {
		x.binding = nameOf(&d.Violations[0].Rule)
		wait = max(wait, d.Violations[0].Wait)
	}
	x.explainDecision(denied, x.charge)
	wait = x.h.herd.spread(x.model.Policy.Model(), wait, x.begun)
	return openai.RateLimited(exhausted(d), x.denied(wait), wait)
}

// concurrentRequests names the gauge where meters are named.
const concurrentRequests = "concurrent_requests"

// exhausted says what a denial is about: the limit with the longest wait.
func exhausted(d *limit.Decision) openai.Exhausted {
	switch {
	case len(d.Violations) == 0:
		return openai.ConcurrencyExhausted
	case d.Violations[0].Rule.Meter == limit.Requests:
		return openai.RequestsExhausted
	}
	return openai.TokensExhausted
}

// denied lists the limits that were in the way, the longest wait first.
func (x *exchange) denied(wait time.Duration) []openai.Denied {
	list := make([]openai.Denied, 0, len(x.decision.Violations)+len(x.decision.Full))
	for i := range x.decision.Violations {
		v := &x.decision.Violations[i]
		l := limitOf(&v.Rule)
		l.Used, l.Remaining = v.Used, max(0, v.Rule.Admissible-v.Used)
		l.Need, l.Lower = x.charge.Of(v.Rule.Meter), x.lower(v.Rule.Meter)
		l.RetryAfter = v.Wait
		list = append(list, l)
	}
	for _, g := range x.decision.Full {
		list = append(list, openai.Denied{
			Meter: concurrentRequests, Scope: g.Scope.String(), Limit: g.Max, Used: g.Running, RetryAfter: slotWait,
		})
	}
	list[0].RetryAfter = wait
	return list
}

// limitOf says which limit a rule is.
func limitOf(r *limit.Rule) openai.Denied {
	return openai.Denied{
		Meter: r.Meter.String(), Window: r.Window.String(), Scope: r.Scope.String(),
		Limit: r.Max, KeptBack: r.Max - r.Admissible,
	}
}

// lower names the request member that lowers most of what m is charged: that
// which bounds the output, where the output is more than the input.
func (x *exchange) lower(m limit.Meter) string {
	switch {
	case m == limit.Tokens && x.charge.Output > x.charge.Input, m == limit.OutputTokens && x.charge.Output > 1:
		return x.request.Endpoint.OutputCap()
	}
	return ""
}
