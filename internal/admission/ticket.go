package admission

import (
	"context"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// Terms are what a model asks of its users.
type Terms struct {
	Policy *limit.Policy
	Pricer *usage.Pricer
	// WorstCase tells that the largest possible output is reserved, and that the model
	// server is held to it.
	WorstCase bool
	// ExactInput tells that a model server counts the input before a request is admitted,
	// where one can be asked and answers. Otherwise the estimate counts.
	ExactInput bool
}

// Request is what a ticket is for.
type Request struct {
	User  string // the name of its account, see identity.AccountOf
	Terms Terms
	Call  *request.Request // it must not change before the ticket is closed
	Store limit.Store
	// Counter asks a model server for the number of tokens; nil: none can be asked.
	Counter  Counter
	Observer Observer // is told what becomes of the ticket
}

// Observer is told what becomes of a ticket, on the goroutine that uses it. A question is
// asked under a reservation of its own, so that it may be told of two: Reserving, Reserved,
// then Extended or Dismissed, and behind the latter Reserving and Reserved once more.
type Observer interface {
	// Reserving tells that the store is about to be asked for a reservation, and Reserved
	// what it has answered.
	Reserving()
	Reserved(Verdict)
	// Extended tells that a reservation that was made for a question has grown to the
	// charge, and Dismissed that it was given back.
	Extended()
	Dismissed()
	// Settling tells that the store is about to be told of a cost, and what is given
	// back or owed by that; Settled that it has been.
	Settling(Cost, limit.Settlement)
	Settled(Cost, limit.Settlement)
}

// Verdict is the answer to a reservation, in a word for the log.
type Verdict string

// The verdicts.
const (
	Undecided Verdict = "undecided" // the store does not answer
	Admitted  Verdict = "admitted"
	Denied    Verdict = "denied"
)

// Ticket is what one request may use of one model. The zero value is ready for Begin. It
// keeps the memory of the request before, and so does what its methods return by pointer:
// nothing of that may be used after the next Begin or Reset.
type Ticket struct {
	state
	grant    limit.Grant
	decision limit.Decision
}

// state is the part of a ticket that is forgotten with it.
type state struct {
	request  Request
	price    usage.Price  // as learned, or as a model server has counted
	inputMin int64        // the least that the input can be, by its text alone
	need     limit.Amount // of the price, what the limits can ever admit
	counted  bool         // as a request already, with a question that was dismissed
	inquired bool         // a model server has got a question
	sent     time.Time    // when the request went to a model server; zero: it did not
	metered  bool         // the model server tells the usage while it streams
	cost     Cost         // that was settled
	settled  limit.Settlement
	topUp    topUp
}

// Begin makes t the ticket of r. What it was the ticket of before is closed.
func (t *Ticket) Begin(r Request) {
	t.Reset()
	t.request = r
}

// Reset closes the ticket and forgets the request.
func (t *Ticket) Reset() {
	t.Close()
	t.state = state{}
	t.grant.Reset()
	t.decision.Reset(0)
}

// IsOpen reports whether the request is admitted and not settled yet.
func (t *Ticket) IsOpen() bool { return t.grant.IsOpen() }

// Estimate returns the price.
func (t *Ticket) Estimate() usage.Price { return t.price }

// Need returns what the limits are asked for.
func (t *Ticket) Need() limit.Amount { return t.need }

// Granted returns what has been charged up to now.
func (t *Ticket) Granted() limit.Amount { return t.grant.Granted() }

// Decision returns the answer to the last reservation.
func (t *Ticket) Decision() *limit.Decision { return &t.decision }

// Inquired reports whether a model server has got a question for the number of tokens.
func (t *Ticket) Inquired() bool { return t.inquired }

// Cost returns what was settled; the zero Cost before. A question counts as the request, also
// where it was settled by itself.
func (t *Ticket) Cost() Cost {
	c := t.cost
	if t.counted {
		c.Amount.Requests = 1
	}
	return c
}

// Settlement returns what was given back or owed when it was settled; nothing before.
func (t *Ticket) Settlement() limit.Settlement { return t.settled }

// Holds reports whether the running slot is still the request's, as far as can be told
// without asking.
func (t *Ticket) Holds() bool { return t.request.Store.Holds(&t.grant) }

// Sent tells that the request goes to a model server at the moment now.
func (t *Ticket) Sent(now time.Time) { t.sent = now }

// Metered tells whether the model server that is to get the request tells the usage while
// it streams, so that the stream can be topped up and stopped in time. Capped and OutputCap
// depend on it.
func (t *Ticket) Metered(told bool) { t.metered = told }

// Settle replaces what was charged by what was spent, gives the running slot back, and
// learns. A request that was asked about counts as one, with its question. Settle does
// nothing for a ticket that is not open.
func (t *Ticket) Settle(c Cost) {
	if !t.IsOpen() {
		return
	}
	switch {
	case t.counted:
		c.Amount.Requests = 0 // counted with the question
	case t.inquired:
		c.Amount.Requests = 1 // whatever has come of it then
	}
	t.cost, t.settled = c, t.grant.Settlement(c.Amount)
	t.request.Observer.Settling(c, t.settled)
	t.request.Store.Settle(&t.grant, c.Amount)
	t.request.Observer.Settled(c, t.settled)
	t.learn()
}

// Close settles a ticket that is still open: with what was granted, where a model server
// has got the request and nothing is known of its cost, and with nothing where none has.
func (t *Ticket) Close() {
	if !t.IsOpen() {
		return
	}
	var c Cost
	if !t.sent.IsZero() {
		c = t.unknown()
	}
	t.Settle(c)
}

// learn teaches the pricer what was told of the usage.
func (t *Ticket) learn() {
	c := &t.cost
	if !c.Teaches() {
		return
	}
	t.request.Terms.Pricer.Learn(t.request.User, t.request.Call, c.Usage, c.Complete)
	if c.Complete && !t.request.Call.Stream {
		t.request.Terms.Pricer.LearnSpeed(t.request.User, t.request.Call, c.Usage, c.Took)
	}
}

// unlessGone returns err, or context.Canceled where the client has left meanwhile.
func unlessGone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Canceled
	}
	return err
}
