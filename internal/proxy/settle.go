package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// spent is what a request has cost, by the evidence there is. The zero value is
// nothing: no model server has got it, or it was full.
type spent struct {
	usage    openai.Usage
	amount   limit.Amount // what is settled
	doubt    doubt        // why something of it is estimated, if it is
	complete bool         // the answer came to its own end
	stopped  bool         // the limits ended it
}

// estimated reports whether the model server has not told all of it.
func (s *spent) estimated() bool { return s.doubt != noDoubt }

// outputTokens estimates the tokens of generated text, which are no fewer than
// the events that it came in, and no more than the request may get.
func (x *exchange) outputTokens(text openai.Text, events int64) int64 {
	n := x.model.Pricer.OutputTokens(x.principal.User, text)
	if most := x.outputMost(); most > 0 {
		n = min(n, most)
	}
	return max(n, events)
}

// partial returns the cost of a stream up to now: what is plausible of the last usage
// that was told, and an estimate of the text that came after it. The model server puts
// every token into an event, so what no event has told was not generated.
func (x *exchange) partial() spent {
	u, _ := x.stream.Usage()
	s := spent{usage: u}
	if x.stream.OddUsage() {
		s.doubted(unreadable)
	}
	x.checkInput(&s, x.stream.InputTold())
	x.checkOutput(&s)
	return x.costing(s)
}

// checkOutput sees to it that s has an output that can be: no less than the text of
// the stream shows, and no more than there can have been.
func (x *exchange) checkOutput(s *spent) {
	text, told := x.stream.OutputText(), s.usage.Output
	since := x.stream.Unmetered()
	if since.Bytes() > 0 {
		s.doubted(untold)
		s.usage.Output += x.outputTokens(since, x.stream.UnmeteredEvents())
	} else if saysNothing(s.usage, x.stream.InputTold(), x.stream.OddUsage()) {
		return
	}
	if x.stream.UsageShrank() && !x.request.Echo {
		s.usage.Output = max(s.usage.Output, x.outputTokens(text, x.stream.OutputEvents()))
	}
	if s.usage.Output >= x.shownFloor(&text) && (told <= text.Bytes() || x.plausible(told, text.Bytes(), time.Since(x.sent))) {
		return
	}
	s.doubted(implausible)
	s.usage.Output = x.outputTokens(text, x.stream.OutputEvents())
}

// abandoned returns the cost of an answer of which nothing was seen, from the
// time that the model server has worked on it. A stream of which no event has
// come has generated nothing.
func (x *exchange) abandoned() spent {
	s := spent{doubt: interrupted, usage: openai.Usage{Input: x.estimate.Input}}
	if !x.request.Stream {
		s.usage.Output = x.model.Pricer.TokensAfter(x.principal.User, &x.request, x.estimate.Input, time.Since(x.sent))
	}
	return x.costing(s)
}

// sentOnce returns the cost of a request that has come to a model server, or has not,
// and of which nothing shows that it was worked on. Whatever came of it, it counts as
// a request: otherwise those that make the model server fail would be limited by
// nothing.
func (x *exchange) sentOnce(came bool) spent {
	if !came {
		return spent{}
	}
	return spent{amount: limit.Amount{Requests: 1}}
}

// costOf returns the cost of a request that ended with e. Tokens are charged where it
// is known that they were worked on: a part of an answer has come that is no
// refusal, or the model server was working when the client left or the time was over.
func (x *exchange) costOf(e *upstream.Error) spent {
	switch {
	case e.Declined(), !e.Sent():
	case e.Kind == upstream.Canceled, e.Kind == upstream.Timeout && e.Phase != upstream.Connect,
		e.Started() && e.Kind != upstream.Busy && e.Kind != upstream.Away:
		return x.abandoned()
	}
	return x.sentOnce(e.Reached() || x.response != nil)
}

// unknown returns what is settled if nothing is found out: what was granted, or, where
// nothing is limited, what would have been asked for.
func (x *exchange) unknown() spent {
	s := spent{amount: x.grant.Granted()}
	if !x.model.Policy.Limits() {
		s.amount = x.charge
	}
	if x.endpoint.Counts() {
		s.doubt = interrupted
	}
	return s
}

// running returns what a stream has used up to now.
func (x *exchange) running() limit.Amount {
	s := x.partial()
	return limit.Amount{Input: s.amount.Input, Output: s.amount.Output}
}

// costing fills in what s is settled with. Where no tokens count there is no usage
// to tell or to estimate.
func (x *exchange) costing(s spent) spent {
	if !x.endpoint.Counts() {
		s.usage, s.doubt = openai.Usage{}, noDoubt
	}
	s.amount = limit.Amount{Input: s.usage.Input, Output: s.usage.Output, Requests: 1}
	return s
}

// settle replaces what was charged by what was spent, and learns from it. It
// does nothing for a request that was not admitted.
func (x *exchange) settle() {
	if !x.grant.IsOpen() {
		return
	}
	switch {
	case x.counted:
		x.spent.amount.Requests = 0 // counted with the question
	case x.inquired:
		x.spent.amount.Requests = 1 // whatever has come of it then
	}
	difference := x.grant.Settlement(x.spent.amount)
	x.explainSettlement(difference)
	span := x.spans.whole.Child("settle")
	x.h.Store.Settle(&x.grant, x.spent.amount)
	span.Number("token_rate_limiter.refunded_tokens", difference.Refunded)
	span.Number("token_rate_limiter.overrun_tokens", difference.Overrun)
	span.End(time.Time{})
	m := x.model.Metrics
	m.Running.Dec()
	m.Refunded.Add(float64(difference.Refunded))
	m.Overrun.Add(float64(difference.Overrun))
	m.Input.Add(float64(x.spent.amount.Input))
	m.Output.Add(float64(x.spent.amount.Output))
	m.Cached.Add(float64(x.spent.usage.Cached))
	x.spent.doubt.count(&m.Estimated)
	x.learn()
}

// learn teaches the pricer what was told of the usage.
func (x *exchange) learn() {
	s := &x.spent
	if s.estimated() || s.usage == (openai.Usage{}) {
		return
	}
	x.model.Pricer.Learn(x.principal.User, &x.request, s.usage, s.complete)
	if s.complete && !x.request.Stream {
		x.model.Pricer.LearnSpeed(x.principal.User, &x.request, s.usage, x.away)
	}
	observeRatio(x.model.Metrics.InputEstimate, x.estimate.Input, s.usage.Input)
	observeRatio(x.model.Metrics.OutputEstimate, x.estimate.Output, s.usage.Output)
}
