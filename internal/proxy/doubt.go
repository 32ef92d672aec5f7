package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// doubt is why something of what a request has cost is estimated. The zero value is
// no doubt: the model server has told it.
type doubt uint8

// The doubts; of several the last one counts.
const (
	noDoubt     doubt = iota
	untold            // it was not told
	interrupted       // the answer did not come to its end
	unreadable        // what was told is no number of tokens, or contradicts itself
	implausible       // what was told cannot be
)

// String returns the word for the log, which is that of the metric.
func (d doubt) String() string {
	return [...]string{"", "missing", "interrupted", "unreadable", "implausible"}[d]
}

// count counts a request whose cost there is a doubt of.
func (d doubt) count(e *telemetry.Estimated) {
	switch d {
	case untold:
		e.Missing.Inc()
	case interrupted:
		e.Interrupted.Inc()
	case unreadable:
		e.Unreadable.Inc()
	case implausible:
		e.Implausible.Inc()
	}
}

func (s *spent) doubted(d doubt) { s.doubt = max(s.doubt, d) }

// whole returns the cost of an answer that is one JSON object, in x.answer.
func (x *exchange) whole(a *openai.Answer) spent {
	return x.toldBy(a, int64(len(x.answer)), func() openai.Text { return openai.AnswerText(x.endpoint, x.answer) })
}

// toldBy returns the cost of an answer that is one JSON object of so many bytes: what is
// plausible of the usage that it tells, and an estimate of the rest. text returns what
// was generated, as far as the answer shows it.
func (x *exchange) toldBy(a *openai.Answer, bytes int64, text func() openai.Text) spent {
	s := spent{usage: a.Usage, complete: true}
	if a.OddUsage {
		s.doubted(unreadable)
	}
	x.checkInput(&s, a.InputTold)
	switch {
	case !a.OutputTold && x.endpoint.Generates():
		s.doubted(untold)
		s.usage.Output = x.outputTokens(text(), 0)
	case !x.plausible(s.usage.Output, bytes, x.away) || x.tooFew(a, bytes, text):
		s.doubted(implausible)
		s.usage.Output = 0
		if x.endpoint.Generates() {
			s.usage.Output = x.outputTokens(text(), 0)
		}
	}
	return x.costing(s)
}

// checkInput sees to it that s has an input that can be.
func (x *exchange) checkInput(s *spent, told bool) {
	switch {
	case !x.model.Pricer.PlausibleInput(&x.request, s.usage.Input), told && x.tooFewRead(s):
		s.doubted(implausible)
		s.usage.Input = x.estimate.Input
	case !told:
		s.doubted(untold)
		s.usage.Input = max(s.usage.Input, x.estimate.Input)
	}
	s.usage.Cached = min(s.usage.Cached, s.usage.Input)
}

// tooFewRead reports whether s, which was told, has fewer tokens of input than the text of
// the request must have. What is longer than the model's context is not read whole by
// servers that cut it down unasked, and neither is what is not for generation.
func (x *exchange) tooFewRead(s *spent) bool {
	return s.usage.Input < x.inputMin && x.endpoint.Generates() && !saysNothing(s.usage, true, s.estimated()) &&
		x.model.Pricer.PlausibleInput(&x.request, x.inputMin)
}

// plausible reports whether so many tokens of output can have been generated, of
// which so many bytes have come in the time elapsed.
func (x *exchange) plausible(output, bytes int64, elapsed time.Duration) bool {
	return x.model.Pricer.PlausibleOutput(&x.request, x.estimate.Input, output, bytes, elapsed)
}

const (
	// frameBytes is about how large an answer is beside its text.
	frameBytes = 512
	// tokenBytes is more than tokens have on average: an answer with fewer bytes for
	// each token that it tells need not be looked into.
	tokenBytes = 8
)

// tooFew reports whether an answer shows more tokens than it tells. A usage of nothing
// at all is believed: it is how a server says that it does not count.
func (x *exchange) tooFew(a *openai.Answer, bytes int64, text func() openai.Text) bool {
	told := a.Usage.Output
	if !x.endpoint.Generates() || x.request.Echo || saysNothing(a.Usage, a.InputTold, a.OddUsage) ||
		told > 0 && told*tokenBytes >= bytes-frameBytes {
		return false
	}
	shown := text()
	return told < x.shownFloor(&shown)
}

// saysNothing reports whether a usage has a plain zero for everything.
func saysNothing(u openai.Usage, inputTold, odd bool) bool {
	return u.Input == 0 && u.Output == 0 && inputTold && !odd
}

// shownFloor returns the least number of tokens that were generated for a text: one, if
// it is not empty. Where the answer begins with the prompt, it may all be that.
func (x *exchange) shownFloor(text *openai.Text) int64 {
	if text.Bytes() == 0 || x.request.Echo {
		return 0
	}
	return max(usage.ShownFloor(text), 1)
}
