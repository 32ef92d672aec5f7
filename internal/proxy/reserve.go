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

// reserve charges the price to every limit that applies, or denies.
func (x *exchange) reserve() error {
	err := x.h.Store.Reserve(x.r.Context(), x.model.Policy, x.principal.User, x.charge, &x.grant, &x.decision)
	if err != nil {
		if x.r.Context().Err() != nil {
			return context.Canceled
		}
		if errors.Is(err, limit.ErrClosed) {
			return openai.ShuttingDown(storeWait)
		}
		return openai.StoreUnavailable(storeWait)
	}
	writeStanding(x.w.Header(), x.model.Policy, &x.decision)
	if !x.decision.Admitted {
		return x.deny()
	}
	x.model.Metrics.Running.Inc()
	return nil
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
	wait := slotWait
	if len(d.Violations) > 0 {
		wait = max(d.Violations[0].Wait, slotWait)
		if len(d.Full) == 0 {
			wait = d.Violations[0].Wait
		}
	}
	wait = x.h.herd.spread(x.model.Name, wait, x.begun)
	return openai.RateLimited(exhausted(d), denied(d, wait), wait)
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
func denied(d *limit.Decision, wait time.Duration) []openai.Denied {
	list := make([]openai.Denied, 0, len(d.Violations)+len(d.Full))
	for i := range d.Violations {
		v := &d.Violations[i]
		list = append(list, openai.Denied{
			Meter:      v.Rule.Meter.String(),
			Window:     v.Rule.Window.String(),
			Limit:      v.Rule.Max,
			Used:       v.Used,
			Remaining:  max(0, v.Rule.Admissible-v.Used),
			RetryAfter: v.Wait,
		})
	}
	for _, g := range d.Full {
		list = append(list, openai.Denied{Meter: concurrentRequests, Limit: g.Max, Used: g.Running, RetryAfter: slotWait})
	}
	list[0].RetryAfter = wait
	return list
}
