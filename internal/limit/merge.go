package limit

// foldFrom is how many charges a grant has before older ones are folded together:
// most have one to three.
const foldFrom = 16

// lane is what is known of one account that a grant has charged: its rings, and its
// time. The zero value knows no rings.
type lane struct {
	layout *Layout
	rings  []ring // when each ring was added; nil: all were there from the beginning
	at     Instant
}

// lanes are those of all scopes.
type lanes [scopes]lane

// alike reports whether charges that were made at t and u will give back alike from
// now on, however often: in every ring, either both give nothing back any more, or
// both lie in the same slot. An account that one of them has not charged (0) the
// other must not have charged either.
func (l *lane) alike(t, u Instant) bool {
	if t == 0 || u == 0 {
		return t == u
	}
	if l.layout == nil {
		return true
	}
	for i := range l.layout.rings {
		shape := &l.layout.rings[i]
		var since Instant
		if l.rings != nil {
			since = l.rings[i].since
		}
		left := shape.slot(l.at) - shape.slots
		goneT, goneU := t <= since || shape.slot(t) <= left, u <= since || shape.slot(u) <= left
		if goneT != goneU || !goneT && shape.slot(t) != shape.slot(u) {
			return false
		}
	}
	return true
}

// alike reports whether a and b will give back alike in every account.
func (l *lanes) alike(a, b *Charge) bool {
	for s := range l {
		if !l[s].alike(a.At[s], b.At[s]) {
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
	var l lanes
	if g.Policy != nil {
		for s := range l {
			l[s] = lane{layout: g.Policy.layouts[s], at: c.At[s]}
		}
	}
	g.note(c, &l)
}

// note adds c, on accounts of which l is known.
func (g *Grant) note(c Charge, l *lanes) {
	n := len(g.Charges)
	if n > 0 && l.alike(&g.Charges[n-1], &c) {
		g.granted = g.granted.Plus(c.Amount)
		g.Charges[n-1].take(&c)
		return
	}
	if n >= foldFrom && n == cap(g.Charges) {
		g.fold(l)
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
func (g *Grant) fold(l *lanes) {
	kept := g.Charges[:1]
	for i := 1; i < len(g.Charges); i++ {
		if last := &kept[len(kept)-1]; l.alike(last, &g.Charges[i]) {
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
