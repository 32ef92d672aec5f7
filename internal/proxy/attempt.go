package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// attempt is one try at having a request answered: the model, what is charged for it, and
// what its servers have been asked and have answered. A request whose answer has not begun
// may have another one, on another model: see exchange.attemptOn.
type attempt struct {
	model   *catalog.Model // held; nil: none was found yet
	ticket  admission.Ticket
	binding string                 // the limit that denied the request; "" for none
	denial  *admission.DeniedError // nil: none, or it can never be admitted
	sending
}

// sending is what is known of asking the model's servers.
type sending struct {
	sent     time.Time            // when the request went to a model server
	asked    catalog.UsageOptions // the most that is asked for, after a refusal
	quirk    catalog.Quirk        // of the model server that it went to last, when it was sent
	pace     admission.Pace       // of a stream
	took     time.Duration        // the model server's part of the time
	asking   time.Duration        // that for the number of tokens, before
	refusal  refusal
	span     *telemetry.Span // of sending it, the last time; nil: it was not, or nobody traces
	response *upstream.Response
	server   string // that it went to last; of several that are away, all
}

// attemptOn gives up the attempt at hand, which is settled, and begins one on m, which the
// caller holds for the exchange.
func (x *exchange) attemptOn(m *catalog.Model) {
	if x.model != nil {
		x.ticket.Close()
		x.earlier = append(x.earlier, x.attempt.outcome())
		x.attempt.clear()
		clearStanding(x.w.Header())
	}
	x.model = m
	x.ticket.Begin(admission.Request{
		User: x.principal.Account, Call: &x.request, Store: x.h.Store, Counter: x, Observer: x,
		Terms: admission.Terms{
			Policy: m.Policy, Pricer: m.Pricer, WorstCase: m.WorstCase, ExactInput: m.ExactInput,
		},
	})
}

// outcome returns what has come of the attempt so far.
func (a *attempt) outcome() outcome.Attempt {
	return outcome.Attempt{
		Model: a.model, Sent: a.sent, Took: a.took, Asking: a.asking, Server: a.server,
		Price: a.ticket.Estimate(), Need: a.ticket.Need(), Granted: a.ticket.Granted(),
		Cost: a.ticket.Cost(), Settlement: a.ticket.Settlement(), Pace: a.pace,
		Limit: a.binding, Denial: a.denial, Span: a.span,
	}
}

// end settles what is not settled yet, and lets the model go.
func (a *attempt) end() {
	if a.model == nil {
		return
	}
	held := a.model
	a.clear()
	held.Release()
}

// clear settles what is not settled yet, while the model is held, and forgets the rest.
func (a *attempt) clear() {
	a.ticket.Reset()
	a.model, a.binding, a.denial, a.sending = nil, "", nil, sending{}
}
