package admission

import (
	"context"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/metering"
)

const (
	// topUpAhead is how much decoding a grant should still cover when it is topped up, and
	// topUpSpan for how much it is at the least. The longer a stream has been decoding, the
	// more it gets at once, an eighth of it (topUpShare): so the charges of a long stream,
	// each of which is kept until it is settled, grow with the logarithm of its length.
	topUpAhead = time.Second
	topUpSpan  = 2 * time.Second
	topUpShare = 8
	// Bounds of a top-up, in tokens.
	topUpMin = 16
	topUpMax = 512
	// debtStep is how much is charged at once beyond what is missing, in tokens.
	debtStep = 8
	// refusalPause is how long nothing is asked for ahead after a refusal.
	refusalPause = time.Second
	// calmShare is the part of what is left of a grant, a quarter, that may be generated
	// before the next look at it.
	calmShare = 4
	// calmEvents is how many events with text may come while the model server tells of next
	// to no tokens.
	calmEvents = 64
)

// topUp keeps the grant of one stream ahead of what is generated.
type topUp struct {
	needless bool  // nothing limits tokens
	most     int64 // that is generated, as outputMost says
	// quiet is until when only for what is missing is asked, because the limits have
	// refused more. Room comes back as slots leave their windows.
	quiet time.Time
	// calm is how much output may be generated before the grant is looked at again: a look
	// at every event would cost more than the event.
	calm  int64
	input int64 // that the model server had told at the last look
}

// Pace is when the events of a stream have come.
type Pace struct {
	First time.Time // the first token; zero: none has
	Last  time.Time
}

// Streaming tells that the answer is a stream, of which nothing has come yet.
func (t *Ticket) Streaming() {
	t.topUp = topUp{needless: !t.request.Terms.Policy.LimitsTokens(), most: t.outputMost()}
}

// Backed sees to it that what has been generated is charged, and something ahead of it. It reports
// false where it is not and cannot be: the stream must be stopped, and the event that has just come
// not be relayed. Behind the end of an answer, which is settled, nothing is charged any more.
func (t *Ticket) Backed(ctx context.Context, stream *answer.Stream, pace Pace) bool {
	if t.topUp.needless || !t.IsOpen() || t.isCalm(stream.Tally()) {
		return true
	}
	used, granted := t.Partial(stream, pace.Last).Amount, t.grant.Granted()
	missing := beyond(used, granted)
	t.topUp.calm, t.topUp.input = used.Output+(granted.Output-used.Output)/calmShare, used.Input
	quiet := pace.Last.Before(t.topUp.quiet)
	switch {
	case missing.Output > 0, missing.Input > 0 && !quiet:
		return t.chargeMissing(ctx, missing, pace.Last)
	case !quiet:
		t.chargeAhead(ctx, used.Output, granted.Output, pace)
	}
	return true
}

// isCalm reports whether the model server has told all that has been generated, and that it
// is less than when the grant is to be looked at. What it tells must keep up with the
// events, of which nearly each has a token.
func (t *Ticket) isCalm(tally *metering.Tally) bool {
	u := &tally.Usage
	return tally.OutputEvents <= 2*u.Output+calmEvents && tally.Evidence == metering.RunningUsage &&
		u.Output < t.topUp.calm && u.Input == t.topUp.input &&
		tally.UnmeteredEvents == 0 && tally.InputTold()
}

// beyond returns the tokens of used that granted does not cover.
func beyond(used, granted limit.Amount) limit.Amount {
	return limit.Amount{
		Input: max(0, used.Input-granted.Input), Output: max(0, used.Output-granted.Output),
	}
}

// chargeAhead charges for what is about to be generated, where the limits have room for it.
// A store that does not answer has not refused: it is asked again.
func (t *Ticket) chargeAhead(ctx context.Context, used, granted int64, pace Pace) {
	n := ahead(used, granted, t.topUp.most, pace.Last.Sub(pace.First))
	if n <= 0 {
		return
	}
	answer, err := t.request.Store.TopUp(ctx, &t.grant, limit.Amount{Output: n}, limit.WithinLimits)
	if err == nil && !answer.Granted {
		t.topUp.quiet = pace.Last.Add(refusalPause)
	}
}

// ahead returns by how many output tokens to top up a grant of which used have been
// generated in the time that decoding has taken: none as long as it covers the next second
// at that pace. most is the most that will be generated; 0 where that is not known.
func ahead(used, granted, most int64, decoding time.Duration) int64 {
	pace := float64(used) / max(decoding.Seconds(), 0.1)
	if used == 0 || float64(granted-used) >= min(pace*topUpAhead.Seconds(), topUpMax) {
		return 0
	}
	span := max(topUpSpan, decoding/topUpShare)
	n := int64(min(max(pace*span.Seconds(), topUpMin), topUpMax))
	if most > 0 {
		n = min(n, most-granted)
	}
	return max(0, n)
}

// chargeMissing charges for what has been generated already, and reports whether the stream
// may go on. Input beyond its estimate has been spent, whatever the limits say: it is charged
// where there is room, and settled in the end.
func (t *Ticket) chargeMissing(ctx context.Context, missing limit.Amount, now time.Time) bool {
	step := missing
	step.Output += debtStep
	attempts := []limit.Amount{step, missing}
	if missing.Input > 0 && missing.Output > 0 {
		attempts = append(attempts, limit.Amount{Output: missing.Output})
	}
	for _, n := range attempts {
		answer, err := t.request.Store.TopUp(ctx, &t.grant, n, limit.WithinDebt)
		if err != nil { // settling charges the rest, unless nothing may go unpaid
			return missing.Output == 0 || t.request.Terms.Policy.Overrun() == limit.Debt
		}
		if answer.Granted {
			return true
		}
		t.topUp.quiet = now.Add(refusalPause)
	}
	return missing.Output == 0
}
