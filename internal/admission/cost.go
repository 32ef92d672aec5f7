package admission

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// Cost is what a request has cost, by the evidence there is. The zero value is nothing: no
// model server has got it, or it was full.
type Cost struct {
	Usage    wire.Usage
	Amount   limit.Amount  // what is settled
	Doubt    Doubt         // why something of it is estimated, if it is
	Took     time.Duration // the model server's time, of an answer that is not streamed
	Complete bool          // the answer came to its own end
	Stopped  bool          // the limits ended it
}

// Estimated reports whether the model server has not told all of it.
func (c Cost) Estimated() bool { return c.Doubt != NoDoubt }

// Teaches reports whether it says something about the prices of others.
func (c Cost) Teaches() bool { return !c.Estimated() && c.Usage != (wire.Usage{}) }

// RequestOnly returns the cost of a request that has come to a model server, or has not, and
// of which nothing shows that it was worked on. Whatever came of it, it counts as a request:
// otherwise those that make the model server fail would be limited by nothing.
func RequestOnly(came bool) Cost {
	if !came {
		return Cost{}
	}
	return Cost{Amount: limit.Amount{Requests: 1}}
}

// Abandoned returns the cost of an answer of which nothing was seen until now, from the time that
// the model server has worked on it. A stream of which no event has come has generated nothing.
func (t *Ticket) Abandoned(now time.Time) Cost {
	c := Cost{Doubt: Interrupted, Usage: wire.Usage{Input: t.price.Input}}
	if !t.request.Call.Stream {
		c.Usage.Output = t.tokensIn(now.Sub(t.sent))
	}
	return t.costing(c)
}

// Told returns the cost of an answer that is one JSON object of so many bytes, for which the
// model server took so long: what is plausible of the usage that it tells, and an estimate
// of the rest. text returns what was generated, as far as the answer shows it.
func (t *Ticket) Told(
	a *answer.Answer, bytes int64, took time.Duration, text func() chars.Text,
) Cost {
	c := Cost{Usage: a.Usage, Complete: true, Took: took}
	if a.OddUsage {
		c.doubted(Unreadable)
	}
	t.checkInput(&c, a.InputTold)
	generates := t.request.Call.Endpoint.Generates()
	switch {
	case generates && !a.OutputTold:
		c.doubted(Untold)
	case !t.plausible(c.Usage.Output, bytes, took) || t.tooFew(a, bytes, text):
		c.doubted(Implausible)
	default:
		return t.costing(c)
	}
	c.Usage.Output = 0
	if generates {
		c.Usage.Output = t.outputTokens(text(), 0)
	}
	return t.costing(c)
}

// CutShort returns the cost of an answer that is one JSON object, told no usage and was not
// seen to its end: an estimate by the text of it and by the time until it began.
func (t *Ticket) CutShort(text chars.Text, took time.Duration) Cost {
	c := Cost{Doubt: Interrupted, Usage: wire.Usage{Input: t.price.Input}}
	if t.request.Call.Endpoint.Generates() {
		c.Usage.Output = max(t.outputTokens(text, 0), t.tokensIn(took))
	}
	return t.costing(c)
}

// Partial returns the cost of a stream up to now: what is plausible of the last usage that
// was told, and an estimate of the text that came after it. The model server puts every
// token into an event, so what no event has told was not generated.
func (t *Ticket) Partial(stream *answer.Stream, now time.Time) Cost {
	tally := stream.Tally()
	c := Cost{Usage: tally.Usage}
	if tally.IsOdd() {
		c.doubted(Unreadable)
	}
	t.checkInput(&c, tally.InputTold())
	t.checkOutput(&c, tally, now)
	return t.costing(c)
}

// unknown returns what is settled if nothing is found out: what was granted, or, where
// nothing is limited, what would have been asked for.
func (t *Ticket) unknown() Cost {
	c := Cost{Amount: t.grant.Granted()}
	if !t.request.Terms.Policy.Limits() {
		c.Amount = t.need
	}
	if t.request.Call.Endpoint.Counts() {
		c.Doubt = Interrupted
	}
	return c
}

// costing fills in what c is settled with. Where no tokens count there is no usage to tell
// or to estimate.
func (t *Ticket) costing(c Cost) Cost {
	if !t.request.Call.Endpoint.Counts() {
		c.Usage, c.Doubt = wire.Usage{}, NoDoubt
	}
	c.Amount = limit.Amount{Input: c.Usage.Input, Output: c.Usage.Output, Requests: 1}
	return c
}

// outputTokens estimates the tokens of generated text, which are no fewer than the events
// that it came in, and no more than the request may get.
func (t *Ticket) outputTokens(text chars.Text, events int64) int64 {
	n := t.request.Terms.Pricer.OutputTokens(t.request.User, text)
	if most := t.outputMost(); most > 0 {
		n = min(n, most)
	}
	return max(n, events)
}

// tokensIn estimates the tokens that the model server has generated in the time elapsed.
func (t *Ticket) tokensIn(elapsed time.Duration) int64 {
	r := &t.request
	return r.Terms.Pricer.TokensAfter(r.User, r.Call, t.price.Input, elapsed)
}
