package proxy

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

const (
	// topUpAhead is how much decoding a grant should still cover when it is
	// topped up, and topUpSpan for how much it is.
	topUpAhead = time.Second
	topUpSpan  = 2 * time.Second
	// Bounds of a top-up, in tokens.
	topUpMin = 16
	topUpMax = 512
	// debtStep is how much is charged at once beyond what a request that runs
	// into debt has generated, in tokens.
	debtStep = 8
	// calmShare is the part of what is left of a grant, a quarter, that may be
	// generated before the next look at it.
	calmShare = 4
)

// topUp keeps the grant of one stream ahead of what is generated.
type topUp struct {
	needless bool  // nothing limits tokens
	refused  bool  // the limits have no more room: only what is needed is asked for
	most     int64 // that is generated, as outputMost says
	// calm is how much output may be generated before the grant is looked at
	// again: a look at every event would cost more than the event.
	calm int64
}

func (x *exchange) newTopUp() topUp {
	return topUp{needless: !x.model.Policy.LimitsTokens(), most: x.outputMost()}
}

// backed sees to it that what has been generated is charged, and something
// ahead of it. It reports false where it is not and cannot be: the stream must
// be stopped, and the event that has just come not be relayed. Behind the end of
// an answer, which is settled, nothing is charged any more.
func (x *exchange) backed(s *streamed) bool {
	if s.concluded || s.topUp.needless || x.calm(s) {
		return true
	}
	used, granted := x.running(), x.grant.Granted()
	missing := limit.Amount{Input: max(0, used.Input-granted.Input), Output: max(0, used.Output-granted.Output)}
	if missing == (limit.Amount{}) {
		if !s.topUp.refused {
			x.topUpAhead(s, used.Output, granted.Output)
		}
		s.topUp.calm = used.Output + (granted.Output-used.Output)/calmShare
		return true
	}
	return x.topUpMissing(s, missing)
}

// calm reports whether the model server has told all that has been generated,
// and that it is less than when the grant is to be looked at. Input, which is
// known from the first usage on, has been looked at by then.
func (x *exchange) calm(s *streamed) bool {
	u, evidence := x.stream.Usage()
	return evidence == openai.RunningUsage && u.Output < s.topUp.calm && x.stream.UnmeteredEvents() == 0 && x.stream.InputTold()
}

// topUpAhead charges for what is about to be generated, where the limits have
// room for it. A store that does not answer has not refused: it is asked again.
func (x *exchange) topUpAhead(s *streamed, used, granted int64) {
	n := ahead(used, granted, s.topUp.most, s.last.Sub(s.first))
	if n <= 0 {
		return
	}
	t, err := x.h.Store.TopUp(x.r.Context(), &x.grant, limit.Amount{Output: n}, limit.WithinLimits)
	s.topUp.refused = err == nil && !t.Granted
}

// ahead returns by how many output tokens to top up a grant of which used have
// been generated in the time that decoding has taken: none as long as it covers
// the next second at that pace. most is the most that will be generated; 0 where
// that is not known.
func ahead(used, granted, most int64, decoding time.Duration) int64 {
	pace := float64(used) / max(decoding.Seconds(), 0.1)
	if used == 0 || float64(granted-used) >= min(pace*topUpAhead.Seconds(), topUpMax) {
		return 0
	}
	n := int64(min(max(pace*topUpSpan.Seconds(), topUpMin), topUpMax))
	if most > 0 {
		n = min(n, most-granted)
	}
	return max(0, n)
}

// topUpMissing charges for what has been generated already.
func (x *exchange) topUpMissing(s *streamed, missing limit.Amount) bool {
	if x.model.Policy.Overrun() == limit.Debt {
		step := missing
		step.Output += debtStep
		if ok, err := x.owe(step); ok || err != nil {
			return true // while the store is away, settling charges the rest
		}
		if ok, err := x.owe(missing); ok || err != nil {
			return true
		}
		return missing.Output == 0
	}
	// Input beyond its estimate has been spent, whatever the limits say: it is
	// charged where there is room, and settled in the end.
	if missing.Input > 0 {
		if ok, _ := x.owe(missing); ok {
			return true
		}
		missing.Input = 0
		if missing.Output == 0 {
			return true
		}
	}
	ok, err := x.owe(missing)
	return ok && err == nil
}

// owe charges n, into debt where the policy lets it.
func (x *exchange) owe(n limit.Amount) (bool, error) {
	t, err := x.h.Store.TopUp(x.r.Context(), &x.grant, n, limit.WithinDebt)
	if err != nil {
		return false, err
	}
	return t.Granted, nil
}
