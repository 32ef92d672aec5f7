package proxy

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// What becomes of a ticket, for the client's header fields, metrics, spans and the log at
// the level debug: the exchange is an admission.Observer.

// Reserving implements admission.Observer.
func (x *exchange) Reserving() { x.spans.step = x.spans.whole.Child("reserve") }

// Reserved implements admission.Observer.
func (x *exchange) Reserved(v admission.Verdict) {
	span := x.spans.step
	if v == admission.Undecided {
		span.Fail("store_unavailable")
	}
	span.Flag("token_rate_limiter.admitted", v == admission.Admitted)
	span.End(time.Time{})
	if v == admission.Undecided {
		x.explainDecision(v, x.ticket.Need())
		return
	}
	x.tellStanding()
	if v == admission.Admitted { // a denial is told of where it is answered
		x.explainDecision(v, x.ticket.Need())
		x.model.Metrics.Running.Inc()
	}
}

// Extended implements admission.Observer.
func (x *exchange) Extended() {
	x.tellStanding()
	x.explainDecision(admission.Admitted, x.ticket.Need())
}

// Dismissed implements admission.Observer.
func (x *exchange) Dismissed() { x.model.Metrics.Running.Dec() }

// Settling implements admission.Observer.
func (x *exchange) Settling(c admission.Cost, s limit.Settlement) {
	x.explainSettlement(&c, s)
	x.spans.step = x.spans.whole.Child("settle")
}

// Settled implements admission.Observer.
func (x *exchange) Settled(c admission.Cost, s limit.Settlement) {
	span := x.spans.step
	span.Number("token_rate_limiter.refunded_tokens", s.Refunded)
	span.Number("token_rate_limiter.overrun_tokens", s.Overrun)
	span.End(time.Time{})
	m := x.model.Metrics
	m.Running.Dec()
	m.Refunded.Add(float64(s.Refunded))
	m.Overrun.Add(float64(s.Overrun))
	m.Input.Add(float64(c.Amount.Input))
	m.Output.Add(float64(c.Amount.Output))
	m.Cached.Add(float64(c.Usage.Cached))
	if c.Estimated() {
		m.Estimated[c.Doubt.String()].Inc()
	}
	if c.Teaches() {
		price := x.ticket.Estimate()
		observeRatio(m.InputEstimate, price.Input, c.Usage.Input)
		observeRatio(m.OutputEstimate, price.Output, c.Usage.Output)
	}
}

// tellStanding tells the client where it stands, in the fields of its libraries too.
func (x *exchange) tellStanding() {
	d := x.ticket.Decision()
	x.answer = writeStanding(x.w.Header(), x.model, d, x.answer) // there is no answer yet
	if x.endpoint.Anthropic() {
		x.answer = writeAnthropicStanding(x.w.Header(), x.model, d, time.Now(), x.answer)
	}
}

// observeRatio notes how an estimate compares with what was used.
func observeRatio(o prometheus.Observer, estimated, used int64) {
	if used > 0 {
		o.Observe(float64(estimated) / float64(used))
	}
}
