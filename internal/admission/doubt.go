package admission

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

// Doubt is why something of what a request has cost is estimated. The zero value is no
// doubt: the model server has told it.
type Doubt uint8

// The doubts; of several the greatest one counts.
const (
	NoDoubt     Doubt = iota
	Untold            // it was not told
	Interrupted       // the answer did not come to its end
	Unreadable        // what was told is no number of tokens, or contradicts itself
	Implausible       // what was told cannot be
)

// String returns the word for logs and metrics; "" for no doubt.
func (d Doubt) String() string {
	return [...]string{"", "missing", "interrupted", "unreadable", "implausible"}[d]
}

func (c *Cost) doubted(d Doubt) { c.Doubt = max(c.Doubt, d) }

// checkInput sees to it that c has an input that can be.
func (t *Ticket) checkInput(c *Cost, told bool) {
	possible := t.request.Terms.Pricer.PlausibleInput(t.request.Call, c.Usage.Input)
	switch {
	case !possible, told && t.tooFewRead(c):
		c.doubted(Implausible)
		c.Usage.Input = t.price.Input
	case !told:
		c.doubted(Untold)
		c.Usage.Input = max(c.Usage.Input, t.price.Input)
	}
	c.Usage.Cached = min(c.Usage.Cached, c.Usage.Input)
}

// checkOutput sees to it that c has an output that can be: no less than the text of the
// stream shows, and no more than there can have been.
func (t *Ticket) checkOutput(c *Cost, tally *metering.Tally, now time.Time) {
	told, bytes := c.Usage.Output, tally.Output.Bytes()
	if tally.Unmetered.Bytes() > 0 {
		c.doubted(Untold)
		c.Usage.Output += t.outputTokens(tally.Unmetered, tally.UnmeteredEvents)
	} else if saysNothing(c.Usage, tally.InputTold(), tally.IsOdd()) {
		return
	}
	if tally.Shrank && !t.request.Call.Echo {
		c.Usage.Output = max(c.Usage.Output, t.outputTokens(tally.Output, tally.OutputEvents))
	}
	possible := told <= bytes || t.plausible(told, bytes, now.Sub(t.sent))
	if possible && c.Usage.Output >= t.shownFloor(&tally.Output) {
		return
	}
	c.doubted(Implausible)
	c.Usage.Output = t.outputTokens(tally.Output, tally.OutputEvents)
}

// tooFewRead reports whether c, which was told, has fewer tokens of input than the text of
// the request must have. What is longer than the model's context is not read whole by
// servers that cut it down unasked, and neither is what is not for generation.
func (t *Ticket) tooFewRead(c *Cost) bool {
	call := t.request.Call
	return c.Usage.Input < t.inputMin && call.Endpoint.Generates() &&
		!saysNothing(c.Usage, true, c.Estimated()) &&
		t.request.Terms.Pricer.PlausibleInput(call, t.inputMin)
}

// plausible reports whether so many tokens of output can have been generated, of which so
// many bytes have come in the time elapsed.
func (t *Ticket) plausible(output, bytes int64, elapsed time.Duration) bool {
	r := &t.request
	return r.Terms.Pricer.PlausibleOutput(r.Call, t.price.Input, output, bytes, elapsed)
}

const (
	// frameBytes is about how large an answer is beside its text.
	frameBytes = 512
	// tokenBytes is more than tokens have on average: an answer with fewer bytes for each
	// token that it tells need not be looked into.
	tokenBytes = 8
)

// tooFew reports whether an answer shows more tokens than it tells. A usage of nothing at
// all is believed: it is how a server says that it does not count.
func (t *Ticket) tooFew(a *answer.Answer, bytes int64, text func() chars.Text) bool {
	call, told := t.request.Call, a.Usage.Output
	if !call.Endpoint.Generates() || call.Echo || saysNothing(a.Usage, a.InputTold, a.OddUsage) ||
		told > 0 && told*tokenBytes >= bytes-frameBytes {
		return false
	}
	shown := text()
	return told < t.shownFloor(&shown)
}

// saysNothing reports whether a usage has a plain zero for everything.
func saysNothing(u wire.Usage, inputTold, odd bool) bool {
	return u.Input == 0 && u.Output == 0 && inputTold && !odd
}

// shownFloor returns the least number of tokens that were generated for a text: one, if it
// is not empty. Where the answer begins with the prompt, it may all be that.
func (t *Ticket) shownFloor(text *chars.Text) int64 {
	if text.Bytes() == 0 || t.request.Call.Echo {
		return 0
	}
	return max(usage.ShownFloor(text), 1)
}
