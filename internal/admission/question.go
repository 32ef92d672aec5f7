package admission

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Counter asks a model server how many tokens the input of a request has.
type Counter interface {
	// Count returns the number, no less than floor; 0 where the model server does not
	// tell, or tells what cannot be. reached reports whether a model server has got the
	// question; err is why none has, nil where one has.
	Count(ctx context.Context, floor int64) (n int64, reached bool, err error)
}

// countable reports whether a model server can be asked how many tokens the input has. vLLM's
// /tokenize takes the members of a chat or of a completion with one prompt, count_tokens those of
// Anthropic's messages, and both ignore what they do not know, so they get the body as it is. They
// see a placeholder where a picture or a recording is: those keep their declared price.
func (t *Ticket) countable() bool {
	r := t.request.Call
	if t.request.Counter == nil || r.HasMedia() || r.Twofold {
		return false
	}
	isText := r.Prompts == 1 && r.TokenIDs == 0 && r.Messages == 0
	return r.Endpoint == wire.ChatCompletions || r.Endpoint == wire.Messages ||
		r.Endpoint == wire.Completions && isText
}

// ask has a model server count the tokens of the input, and returns what is to be charged, or why
// that can never be admitted: as given, where it does not tell. Nobody is asked for a client whom
// the limits would deny, and a question that a model server has got counts as a request, whatever
// comes of it. So it is asked under a reservation of the least that the request can be, which grows
// to what is to be charged: to the limits they are one request, with one running slot.
func (t *Ticket) ask(ctx context.Context, need limit.Amount, misfit error) (limit.Amount, error) {
	if misfit == nil && !t.affords(ctx, need) {
		return need, nil // Reserve denies it, unless room has come back
	}
	least := t.wanted()
	t.need = limit.Amount{Input: max(1, least.InputFloor), Output: least.OutputFloor, Requests: 1}
	if err := t.Reserve(ctx); err != nil {
		return need, err
	}
	n, reached, unasked := t.request.Counter.Count(ctx, t.price.InputFloor)
	t.inquired = reached
	if n > 0 {
		t.price = t.request.Terms.Pricer.Counted(t.request.User, t.request.Call, n)
		need, misfit = t.request.Terms.Policy.Fit(t.wanted())
	}
	switch {
	case ctx.Err() != nil:
		misfit = context.Canceled
	case misfit == nil:
		return t.extend(ctx, need)
	case unasked != nil:
		misfit = unasked // it may fit, once somebody can be asked
	}
	t.dismiss()
	return need, misfit
}

// affords reports whether the limits would admit need at the moment, as far as a look can tell.
func (t *Ticket) affords(ctx context.Context, need limit.Amount) bool {
	v, err := t.request.Store.View(ctx, t.request.Terms.Policy, t.request.User)
	if err != nil {
		return false
	}
	for _, w := range v.Windows {
		if w.Remaining() < need.Of(w.Rule.Meter) {
			return false
		}
	}
	for _, g := range v.Gauges {
		if g.Max >= 0 && g.Running >= g.Max {
			return false
		}
	}
	return true
}

// extend charges the rest of need to the grant under which was asked. Where that does not
// fit it ends the grant, and Reserve asks for the whole anew.
func (t *Ticket) extend(ctx context.Context, need limit.Amount) (limit.Amount, error) {
	more := beyond(need, t.grant.Granted())
	topUp, err := t.request.Store.TopUp(ctx, &t.grant, more, limit.WithinLimits)
	if err != nil {
		t.dismiss()
		return need, unlessGone(ctx, err)
	}
	if !topUp.Granted {
		t.dismiss()
		if t.counted {
			need.Requests = 0
		}
		return need, nil
	}
	for i, r := range t.request.Terms.Policy.Rules() {
		t.decision.Standings[i].Used += more.Of(r.Meter)
	}
	t.need = need
	t.request.Observer.Extended()
	return need, nil
}

// dismiss ends the grant under which was asked, of a request that gets no further with it.
func (t *Ticket) dismiss() {
	t.counted = t.inquired
	t.request.Store.Settle(&t.grant, RequestOnly(t.inquired).Amount)
	t.grant.Reset()
	t.request.Observer.Dismissed()
}
