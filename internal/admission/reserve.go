package admission

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// SlotWait is when to come back for a running slot, of which nobody knows when one
// becomes free.
const SlotWait = time.Second

// DeniedError says that limits have no room for a request now. It changes no counter.
type DeniedError struct {
	// Violations are the windows in the way, the longest wait first; Full the gauges. At
	// least one of both is there.
	Violations []limit.Violation
	Full       []limit.Gauge
	Need       limit.Amount // that there is no room for
	// Wait is how long it takes until all have room, if nobody else comes.
	Wait time.Duration
}

// Error names the first limit in the way.
func (e *DeniedError) Error() string { return "the limit of " + e.Limit() + " is reached" }

// Limit names the first limit in the way, for logs.
func (e *DeniedError) Limit() string {
	if len(e.Violations) > 0 {
		return e.Violations[0].Rule.Name()
	}
	return e.Full[0].Name()
}

// ErrUnpriced is the mistake of a caller that reserves without a price.
var ErrUnpriced = errors.New("admission: a ticket was reserved that Price has found nothing for")

// Reserve charges what the last Price has found to every limit, or to none. It does nothing
// where Price has reserved it. It fails with ErrUnpriced where Price has found nothing; with a
// *DeniedError; with an error that wraps limit.ErrUnavailable or limit.ErrClosed where the store
// has not decided; and with context.Canceled where ctx has ended meanwhile.
func (t *Ticket) Reserve(ctx context.Context) error {
	if t.IsOpen() {
		return nil
	}
	if t.need == (limit.Amount{}) {
		return ErrUnpriced
	}
	r := &t.request
	r.Observer.Reserving()
	err := r.Store.Reserve(ctx, r.Terms.Policy, r.User, t.need, &t.grant, &t.decision)
	switch {
	case err != nil:
		r.Observer.Reserved(Undecided)
		return unlessGone(ctx, err)
	case !t.decision.Admitted:
		r.Observer.Reserved(Denied)
		return t.denied()
	}
	r.Observer.Reserved(Admitted)
	return nil
}

func (t *Ticket) denied() *DeniedError {
	d := &t.decision
	e := &DeniedError{
		Violations: slices.Clone(d.Violations), Full: slices.Clone(d.Full), Need: t.need,
	}
	if len(d.Full) > 0 {
		e.Wait = SlotWait
	}
	if len(d.Violations) > 0 {
		e.Wait = max(e.Wait, d.Violations[0].Wait)
	}
	return e
}
