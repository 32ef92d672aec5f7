package books

import (
	"fmt"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// evidence is all that is known of an order after its end.
type evidence struct {
	*visit
	charge   charge
	attempts []mockvllm.Entry // of the ledger
	spent    mockvllm.Entry   // the last of them; zero if there is none
}

// judges holds the rule of each fate. A rule returns how many requests must
// have been counted, and what is wrong.
var judges = [fates]func(*evidence) (requests int64, err error){
	completes:    (*evidence).completed,
	withoutUsage: (*evidence).estimated,
	leavesEarly:  (*evidence).leftEarly,
	leavesStream: (*evidence).cutShort,
	leavesAnswer: (*evidence).abandoned,
	breaks:       (*evidence).broken,
	refused:      (*evidence).refused,
	failed:       (*evidence).failed,
	tried:        (*evidence).tried,
}

// completed: a complete answer costs what the ledger says, and that is what
// has arrived.
func (e *evidence) completed() (int64, error) {
	switch {
	case e.status != http.StatusOK || !e.whole || len(e.attempts) != 1:
		return 1, e.errorf("the answer is not complete")
	case e.tokens != e.spent.Output:
		return 1, e.errorf("%d tokens have arrived", e.tokens)
	}
	return 1, e.exact()
}

// exact: the charge is the ledger's.
func (e *evidence) exact() error {
	if e.charge.Input != e.spent.Input || e.charge.Output != e.spent.Output || e.charge.Estimated {
		return e.errorf("the charge is not the ledger's")
	}
	return nil
}

// estimated: a complete answer without usage is charged by an estimate from
// its text, and said to be.
func (e *evidence) estimated() (int64, error) {
	switch {
	case e.status != http.StatusOK || !e.whole:
		return 1, e.errorf("the answer is not complete")
	case !e.charge.Estimated:
		return 1, e.errorf("the charge is not marked as estimated")
	}
	return 1, e.close(e.charge.Output, e.spent.Output)
}

// textTolerance is how far off the estimate of one text may be, and textGrain
// what is always allowed, in tokens.
const (
	textTolerance = 0.35
	textGrain     = 3
)

// close: an estimate from text is near what it estimates.
func (e *evidence) close(estimate, truth int64) error {
	if off := abs(estimate - truth); off > textGrain && float64(off) > textTolerance*float64(truth) {
		return e.errorf("the estimate of %d is %d off", truth, off)
	}
	return nil
}

// leftEarly: who leaves before the first byte is charged at least the input,
// unless the request has not come as far as the model server.
func (e *evidence) leftEarly() (int64, error) {
	if e.charge.Input == 0 {
		if len(e.attempts) > 0 && e.charge.Status != http.StatusTooManyRequests {
			return 0, e.errorf("nothing is charged")
		}
		return 0, nil
	}
	if e.order.stream && e.charge.Output > 0 {
		return 1, e.errorf("output is charged")
	}
	return 1, e.atLeastInput()
}

// How far below the input its price may be, where the model server has not told
// it: the price is an upper estimate, but about one request in fourteen needs
// more. A part of the input, and tokens.
const (
	inputTolerance = 0.20
	inputGrain     = 2
)

// atLeastInput: the input is charged. Where it had to be estimated, all such
// charges together are at least the inputs: see audit.inputs.
func (e *evidence) atLeastInput() error {
	short := e.spent.Input - e.charge.Input
	if short > 0 && !e.charge.Estimated || short > inputGrain && float64(short) > inputTolerance*float64(e.spent.Input) {
		return e.errorf("less is charged than the input")
	}
	return nil
}

// cutShort: a stream that ended early costs at least what arrived. With usage
// on its events it costs no more than was generated, and exactly that where
// nothing was generated unseen.
func (e *evidence) cutShort() (int64, error) {
	lost := e.order.lossy && e.status == http.StatusBadGateway // with all that was on its way
	switch {
	case e.status != http.StatusOK && !lost || e.whole:
		return 1, e.errorf("the stream was not cut short")
	case e.charge.Output < e.tokens:
		return 1, e.errorf("%d tokens have arrived", e.tokens)
	case e.charge.Error == "":
		return 1, e.exact() // the gateway had it all when the client left
	case e.charge.Output > e.spent.Output && e.order.metered():
		return 1, e.errorf("more is charged than was generated")
	case e.seen() && e.order.metered() && e.charge.Output != e.spent.Output:
		return 1, e.errorf("all was told, and the charge is not the ledger's")
	case e.seen() && e.order.metered() && e.spent.Told.Usage.Input == e.spent.Input:
		return 1, e.exact() // of every prompt
	case !e.order.metered() && !e.charge.Estimated:
		return 1, e.exact() // the total had come already
	case e.seen() && !e.order.metered():
		return 1, e.close(e.charge.Output, e.spent.Output)
	}
	return 1, e.atLeastInput()
}

// seen reports whether all that was generated has come to the gateway: the
// stream waited for its reader, or was broken off by its sender.
func (e *evidence) seen() bool { return e.order.paused || e.order.fate == breaks && !e.order.lossy }

// abandoned: how near the charge is to the ledger is judged over all of them.
func (e *evidence) abandoned() (int64, error) {
	if !e.charge.Estimated {
		return 1, e.errorf("the charge is not marked as estimated")
	}
	return 1, e.atLeastInput()
}

// broken: a stream counts as one that was cut short, a JSON answer as one that
// was abandoned.
func (e *evidence) broken() (int64, error) {
	if e.order.stream {
		return e.cutShort()
	}
	if e.status != http.StatusBadGateway {
		return 1, e.errorf("the status is %d", e.status)
	}
	return e.abandoned()
}

// refused: a refusal costs a request, and no tokens.
func (e *evidence) refused() (int64, error) {
	if e.status != e.spent.Status || e.spent.Outcome != mockvllm.Rejected {
		return 1, e.errorf("the status is %d", e.status)
	}
	return 1, e.free()
}

// failed: a failure costs a request, and a full queue nothing.
func (e *evidence) failed() (int64, error) {
	switch {
	case e.status == http.StatusTooManyRequests:
		return 0, e.free()
	case e.status < 500:
		return 1, e.errorf("the status is %d", e.status)
	}
	return 1, e.free()
}

// free: no tokens are charged.
func (e *evidence) free() error {
	if e.charge.Input != 0 || e.charge.Output != 0 {
		return e.errorf("tokens are charged")
	}
	return nil
}

// tried: a kept connection that turns out to be closed is replaced, and the
// request charged once. One that was made for it is not: the request fails.
func (e *evidence) tried() (int64, error) {
	if len(e.attempts) < 2 {
		return e.failed()
	}
	if len(e.attempts) > 2 || e.attempts[0].Input != 0 {
		return 1, e.errorf("there are %d attempts", len(e.attempts))
	}
	if e.status != http.StatusOK || !e.whole {
		return 1, e.errorf("the answer is not complete")
	}
	return 1, e.exact()
}

func (e *evidence) errorf(format string, args ...any) error {
	o := e.order
	return fmt.Errorf("%s (%v, %v, stream %v, %d×%d, after %d, paused %v): %s; charged %v; ledger %d+%d %s, told %+v; arrived %d, status %d",
		e.id, o.fate, o.endpoint, o.stream, o.prompts, o.choices, o.after, o.paused, fmt.Sprintf(format, args...),
		e.charge, e.spent.Input, e.spent.Output, e.spent.Outcome, e.spent.Told, e.tokens, e.status)
}

func abs(n int64) int64 { return max(n, -n) }
