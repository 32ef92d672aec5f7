package limit

// Charge is one part of a grant: the reservation, or a top-up.
type Charge struct {
	Amount Amount
	At     [scopes]Instant // per scope, its account's time when it was charged; 0: it was not
	Debt   int64           // how much of it, in tokens, the limits had no room for
}

// Grant is what has been charged for one request so far. A store fills it when
// it admits, adds to it when it tops up, and closes it when it settles. The
// request that owns it serialises access. The zero value is ready for Reserve;
// Reset makes a used one ready again.
type Grant struct {
	Policy *Policy
	User   string
	// Charges are the parts of the grant, the oldest first. Parts that will give
	// back alike for ever are one, so that there are no more of them than slots that
	// still count: see Note.
	Charges []Charge
	granted Amount // the sum of Charges
	// Account is for the store that made the grant, to find what it charged.
	Account any
	open    bool
}

// Reset empties g, keeping its memory. It must not be called between an
// admission and its settlement.
func (g *Grant) Reset() { *g = Grant{Charges: g.Charges[:0]} }

// Open marks g as admitted under p for user: there is something to settle. It
// is for stores, before they charge.
func (g *Grant) Open(p *Policy, user string) {
	g.Policy, g.User, g.Charges, g.granted, g.open = p, user, g.Charges[:0], Amount{}, true
}

// Close marks g as settled, and reports whether it was open: what is settled
// twice changes nothing the second time. It is for stores.
func (g *Grant) Close() bool {
	was := g.open
	g.open = false
	return was
}

// IsOpen reports whether g was admitted and not settled yet.
func (g *Grant) IsOpen() bool { return g.open }

// Granted returns the sum of all charges. It does not walk them.
func (g *Grant) Granted() Amount { return g.granted }

// charged returns what g has charged to the account of one scope, and whether
// it has at all.
func (g *Grant) charged(s int) (sum Amount, any bool) {
	for i := range g.Charges {
		if g.Charges[i].At[s] != 0 {
			sum, any = sum.Plus(g.Charges[i].Amount), true
		}
	}
	return sum, any
}

// Bound says how far a top-up may go.
type Bound uint8

// The bounds.
const (
	// WithinLimits charges only what the limits have room for: for tokens that
	// may not be needed.
	WithinLimits Bound = iota
	// WithinDebt charges beyond them, as far as the policy lets a request run
	// into debt: for tokens that have been generated.
	WithinDebt
)

// Bound returns how far the sum may go under r.
func (r *Rule) Bound(b Bound) int64 {
	if b == WithinDebt {
		return r.Ceiling
	}
	return r.Admissible
}

// TopUp is the answer to a top-up.
type TopUp struct {
	// Granted tells that the whole amount was charged. Otherwise nothing was,
	// and the request is to be stopped.
	Granted bool
	// Debt is how much of it, in tokens, exceeds what the limits had room for.
	Debt int64
}

// Settlement is what settling a grant comes to, in tokens.
type Settlement struct {
	Refunded int64 // charged and not used
	// Overrun is the debt that stays: what was used beyond the grant, for which
	// the limits were not asked, and what top-ups have charged beyond their room
	// and was used.
	Overrun int64
}

// Exceeds reports whether used is more than g has charged, on any meter: then
// settling charges the current slots, and otherwise only those that the grant
// did.
func (g *Grant) Exceeds(used Amount) bool {
	d := used.Minus(g.Granted())
	return d.Input > 0 || d.Output > 0 || d.Requests > 0
}

// Settlement returns what settling g with used comes to. What goes back is of
// the newest charges, and of each its debt first. Where nothing is limited, it is nothing.
func (g *Grant) Settlement(used Amount) Settlement {
	if !g.Policy.Limits() {
		return Settlement{} // nobody was asked for anything
	}
	d := used.Tokens() - g.Granted().Tokens()
	s := Settlement{Refunded: max(0, -d), Overrun: max(0, d)}
	back := s.Refunded
	for i := len(g.Charges) - 1; i >= 0; i-- {
		c := &g.Charges[i]
		s.Overrun += max(0, c.Debt-back)
		back -= min(back, c.Amount.Tokens())
	}
	return s
}
