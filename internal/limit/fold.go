package limit

// foldFrom is how many charges a grant has before older ones are folded together:
// most have one to three.
const foldFrom = 16

// alike reports whether charges that were made at t and u will give back alike from
// now on, however often: in every ring, either both give nothing back any more, or
// both lie in the same slot. An account that one of them has not charged (0) the
// other must not have charged either. A nil account has no rings: a store may have
// charged one that the policy does not limit any more.
func (a *Account) alike(t, u Instant) bool {
	if t == 0 || u == 0 {
		return t == u
	}
	if a == nil { // nothing limits it, and so nothing is given back by time
		return true
	}
	for i := range a.layout.rings {
		shape, since := &a.layout.rings[i], Instant(0)
		if a.rings != nil {
			since = a.rings[i].since
		}
		left := shape.slot(a.last) - shape.slots
		goneT := t <= since || shape.slot(t) <= left
		goneU := u <= since || shape.slot(u) <= left
		if goneT != goneU || !goneT && shape.slot(t) != shape.slot(u) {
			return false
		}
	}
	return true
}

// alike reports whether c and o will give back alike in every account.
func (as *Accounts) alike(c, o *Charge) bool {
	for s, a := range as {
		if !a.alike(c.At[s], o.At[s]) {
			return false
		}
	}
	return true
}

// Note adds a charge that a store has made and g does not know yet. Charges that will
// give back alike for ever become one: the new one and the last, where they lie in the
// same slots, and older ones whose slots have left the narrower windows. So a grant
// has no more charges than there are slots that still count, however long its request
// runs. The rings are those of the grant's policy.
func (g *Grant) Note(c Charge) {
	var known [scopes]Account // without rings: they were there from the beginning
	var as Accounts
	for s, l := range g.Policy.layouts {
		if l != nil {
			known[s] = Account{layout: l, last: c.At[s]}
			as[s] = &known[s]
		}
	}
	g.note(c, &as)
}

// note adds c, a charge to as.
func (g *Grant) note(c Charge, as *Accounts) {
	n := len(g.Charges)
	if n > 0 && as.alike(&g.Charges[n-1], &c) {
		g.granted = g.granted.Plus(c.Amount)
		g.Charges[n-1].take(&c)
		return
	}
	if n >= foldFrom && n == cap(g.Charges) {
		g.fold(as)
	}
	g.append(c)
}

// append adds c as a charge of its own.
func (g *Grant) append(c Charge) {
	g.granted = g.granted.Plus(c.Amount)
	g.Charges = append(g.Charges, c)
}

// fold makes neighbours that give back alike one charge. It is called when the
// memory of the charges is used up, and so costs little per charge.
func (g *Grant) fold(as *Accounts) {
	kept := g.Charges[:1]
	for i := 1; i < len(g.Charges); i++ {
		if last := &kept[len(kept)-1]; as.alike(last, &g.Charges[i]) {
			last.take(&g.Charges[i])
		} else {
			kept = append(kept, g.Charges[i])
		}
	}
	g.Charges = kept
}

// take makes o, which gives back as c does, a part of c.
func (c *Charge) take(o *Charge) {
	c.Amount, c.Debt = c.Amount.Plus(o.Amount), c.Debt+o.Debt
}
