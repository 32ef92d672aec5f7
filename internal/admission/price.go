package admission

import (
	"context"
	"errors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// Price estimates what the request will cost, and finds out whether the limits could ever
// admit it. Where the terms want the exact input, or where the estimate of it is all that
// is in the way, a model server is asked.
//
// It may be called again before Reserve, and estimates anew. It fails with a *limit.MisfitError
// where the request can never be admitted; with the Counter's error where a model server would have
// had to be asked and none could be; and as Reserve does, for a question needs a reservation. The
// ticket may be open afterwards, and is not where Price fails.
func (t *Ticket) Price(ctx context.Context) error {
	t.price = t.request.Terms.Pricer.Price(t.request.User, t.request.Call)
	t.inputMin = t.price.InputFloor
	need, err := t.request.Terms.Policy.Fit(t.wanted())
	if t.wantsCount(err) && t.countable() {
		need, err = t.ask(ctx, need, err)
	}
	if err != nil {
		return err
	}
	t.need = need
	return nil
}

// wantsCount reports whether the input should be counted, given what Fit has said of its
// estimate. Where nothing is limited nobody needs to know before the answer tells.
func (t *Ticket) wantsCount(misfit error) bool {
	if misfit == nil {
		return t.request.Terms.ExactInput && t.request.Terms.Policy.Limits()
	}
	var m *limit.MisfitError
	return errors.As(misfit, &m) && m.Estimated
}

// wanted returns the price as what the limits are to admit.
func (t *Ticket) wanted() limit.Price {
	p := limit.Price{Input: t.price.Input, InputFloor: t.price.InputFloor, Output: t.price.Output}
	if t.bounded() {
		p.OutputFloor = usage.OutputFloor(t.request.Call)
	}
	return p
}

// Insists names the member of the request that insists on most of the least that m can be
// charged; "" where that is the input, or no member does.
func (t *Ticket) Insists(m limit.Meter) string {
	p := t.wanted()
	switch {
	case m != limit.OutputTokens && (m != limit.Tokens || p.OutputFloor <= p.InputFloor):
		return ""
	case t.request.Call.MinOutput <= 1: // a token for each sequence is too much
		return multiplier(t.request.Call)
	case t.request.Call.IgnoreEOS && t.request.Call.OutputCap > 0:
		return t.request.Call.Endpoint.OutputCap() // the answer goes on until there
	}
	return "min_tokens"
}

// multiplier names the member of the request that asks for the most sequences of a prompt;
// "" where none does.
func multiplier(r *request.Request) string {
	switch {
	case r.Sequences > r.Choices:
		return "best_of"
	case r.Choices > 1:
		return "n"
	}
	return ""
}

// Lower names the member of the request that lowers most of what m is charged: that which
// bounds the output, where the output is more than the input.
func (t *Ticket) Lower(m limit.Meter) string {
	if m == limit.Tokens && t.need.Output > t.need.Input ||
		m == limit.OutputTokens && t.need.Output > 1 {
		return t.request.Call.Endpoint.OutputCap()
	}
	return ""
}

// bounded reports whether the answer must not be longer than what is charged for it, be it
// that its cap says so or that it is stopped on its way.
func (t *Ticket) bounded() bool {
	return t.request.Call.Endpoint.Generates() && t.request.Terms.Policy.LimitsTokens() &&
		(t.request.Terms.WorstCase || t.request.Terms.Policy.Overrun() == limit.Stop)
}

// Capped reports whether the output that was charged is to be written into the request as
// its cap: where the worst case is reserved, and where the answer has to stop at its limits
// and cannot be stopped on its way.
func (t *Ticket) Capped() bool { return t.bounded() && (t.request.Terms.WorstCase || !t.metered) }

// OutputCap returns the cap that is to be written into a request that is Capped, for each
// sequence. Where less than min_tokens were written, a model server would refuse.
func (t *Ticket) OutputCap() int64 {
	return max(1, t.request.Call.MinOutput, t.need.Output/t.sequences())
}

// outputMost returns how many output tokens the request can get, over all its sequences; 0
// where that is not known.
func (t *Ticket) outputMost() int64 {
	sequences := t.sequences()
	switch most := t.request.Call.OutputCap; {
	case t.Capped():
		return t.need.Output // as its cap has it; no less than a token each
	case most > 0 && most < 1<<32 && sequences < 1<<30:
		return most * sequences
	}
	return 0
}

func (t *Ticket) sequences() int64 { return t.request.Call.Prompts * t.request.Call.Sequences }
