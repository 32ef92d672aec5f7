package limit

import (
	"math"
	"slices"
	"time"
)

// clockTolerance is how far an account lets the store's time step back before
// it continues from its own instead. Within it, time stands still.
const clockTolerance Instant = 1000

// Account is the counter of one subject: a ring of slots per meter and
// window, charged together. The zero value is not usable; see NewAccount. The
// owner serialises access.
//
// An account has a time of its own: the store's, except that it never runs
// backwards. When the store's clock steps back, what has been charged keeps
// its age, and the account goes on from where it was. Charges and refunds name
// moments of this time, so that a refund finds its slot whatever the clock did.
//
// Nearly all that is done concerns the current slots. They lie in the rings, so
// that a decision reads and writes little; the slots before them lie apart.
type Account struct {
	layout *Layout
	last   Instant // the account's time when it was last advanced
	skew   Instant // the account's time less the store's
	next   Instant // the account's time when the first of the current slots ends
	young  Instant // since when the youngest of the rings counts
	rings  []ring
	held   Amount   // charged by grants that are not settled
	slots  []uint32 // of all rings, as the layout places them; the current ones are 0
	wide   []int64  // replaces slots once an amount needs more than 32 bits
}

// ring is the state of one window of one meter.
type ring struct {
	head    int64 // number of the current slot
	current int64 // what it holds
	sum     int64 // of the current slot and the B before it
	// since is the account's time when the ring was added to an account that
	// there was, or reset; 0 for those that it began with. What was charged before
	// is not in the ring.
	since Instant
}

// NewAccount returns an empty account with the rings of l.
func NewAccount(l *Layout) *Account {
	return &Account{layout: l, rings: make([]ring, len(l.rings)), slots: make([]uint32, l.slots)}
}

// Cover adds the rings of l that the account does not have yet, empty: a
// limit that is new begins to count when it is first applied, and the others
// keep what they have counted. It returns the account, which is a new one where a is nil
// and l is not. A nil l has no rings.
func (a *Account) Cover(l *Layout) *Account {
	switch {
	case l == nil || a != nil && (a.layout == l || a.layout.covers(l)):
		return a
	case a == nil:
		return NewAccount(l)
	}
	u := a.layout.union(l)
	slots := make([]uint32, u.slots)
	copy(slots, a.slots)
	if a.wide != nil {
		wide := make([]int64, u.slots)
		copy(wide, a.wide)
		a.wide = wide
	}
	rings := make([]ring, len(u.rings))
	copy(rings, a.rings)
	for i := len(a.rings); i < len(rings); i++ {
		rings[i].head, rings[i].since = u.rings[i].slot(a.last), a.last
		a.young = a.last
	}
	a.layout, a.slots, a.rings = u, slots, rings
	a.roll(a.last)
	return a
}

// Advance moves the account to the store's time now, dropping the slots that
// have left their windows. It must precede every other use at that time.
func (a *Account) Advance(now Instant) {
	t := now + a.skew
	if a.last-t > clockTolerance {
		a.skew = a.last - now
	}
	a.last = max(t, a.last)
	if a.last >= a.next {
		a.roll(a.last)
	}
}

// isCurrent reports whether a charge made at t, which must not be later than the
// account's time, lies in the current slot of every ring, and is in every ring.
func (a *Account) isCurrent(t Instant) bool {
	return t >= a.next-a.layout.narrowest && t > a.young
}

// roll makes the slots that t falls in the current ones.
func (a *Account) roll(t Instant) {
	a.next = math.MaxInt64
	for i := range a.rings {
		shape := &a.layout.rings[i]
		a.turn(i, shape.slot(t))
		a.next = min(a.next, shape.ends(a.rings[i].head))
	}
}

// turn makes slot the current one of ring i, and drops what falls out.
func (a *Account) turn(i int, slot int64) {
	r, n := &a.rings[i], a.layout.rings[i].slots
	if slot <= r.head {
		return
	}
	if r.sum != 0 {
		a.put(a.index(i, r.head), r.current)
		for s := max(r.head, slot-n) + 1; s <= slot; s++ {
			index := a.index(i, s)
			r.sum -= a.at(index)
			a.put(index, 0)
		}
	}
	r.head, r.current = slot, 0
}

// index returns where slot s of ring i lies.
func (a *Account) index(i int, s int64) int {
	shape := &a.layout.rings[i]
	return shape.offset + int(((s%shape.slots)+shape.slots)%shape.slots)
}

// get returns what slot s of ring i holds.
func (a *Account) get(i int, s int64) int64 {
	if s == a.rings[i].head {
		return a.rings[i].current
	}
	return a.at(a.index(i, s))
}

// set makes slot s of ring i hold v, and leaves the sum as it is.
func (a *Account) set(i int, s, v int64) {
	if s == a.rings[i].head {
		a.rings[i].current = v
		return
	}
	a.put(a.index(i, s), v)
}

// at returns what is stored at an index.
func (a *Account) at(index int) int64 {
	if a.wide != nil {
		return a.wide[index]
	}
	return int64(a.slots[index])
}

// put stores v, not negative, at an index, wherever it fits.
func (a *Account) put(index int, v int64) {
	if a.wide == nil {
		if v <= math.MaxUint32 {
			a.slots[index] = uint32(v) // #nosec G115 -- at most that, and not negative
			return
		}
		a.widen()
	}
	a.wide[index] = v
}

// widen moves the slots to 64 bits, for the rare account that needs them.
func (a *Account) widen() {
	a.wide = make([]int64, len(a.slots))
	for i, v := range a.slots {
		a.wide[i] = int64(v)
	}
}

// Sum returns what counts at the moment on a meter and window; 0 where the
// account has no such ring, or is nil.
func (a *Account) Sum(m Meter, w Window) int64 {
	if a == nil || a.layout.at[m][w] < 0 {
		return 0
	}
	return a.rings[a.layout.at[m][w]].sum
}

// Held returns what grants that are not settled yet have charged, in all.
func (a *Account) Held() Amount {
	if a == nil {
		return Amount{}
	}
	return a.held
}

// Charge adds amount to the current slot of every ring, and returns the
// account's time, which a refund must name. The amount must not be negative.
func (a *Account) Charge(amount Amount) Instant {
	a.correct(amount)
	return a.last
}

// correct adds delta, of which numbers may be negative, to the current slot of
// every ring. A slot is not taken below 0.
func (a *Account) correct(delta Amount) {
	shapes := a.layout.rings
	rings := a.rings[:len(shapes)]
	for i := range shapes {
		r := &rings[i]
		v := max(delta.Of(shapes[i].meter), -r.current)
		r.current += v
		r.sum += v
	}
}

// refund takes v off the slot of ring i that was current at the moment at, and
// not below 0. A slot that has left its window is skipped: its charge has gone with
// it. So is a charge that is older than the ring: what the slot holds is of other
// requests. A charge of the very millisecond at which the ring was added may be
// older, and is skipped too: at worst, too much stays charged.
func (a *Account) refund(i int, at Instant, v int64) {
	r, shape := &a.rings[i], &a.layout.rings[i]
	slot := shape.slot(at)
	if at <= r.since || slot > r.head || slot <= r.head-shape.slots {
		return
	}
	have := a.get(i, slot)
	back := min(v, have)
	a.set(i, slot, have-back)
	r.sum -= back
}

// Wait returns how long it takes until excess has left the window, counting
// from the account's time: the moment at which the slots that hold it, the
// oldest first, have left. It is 0 where excess is not positive. Where the
// window holds less than excess it returns the time until it is empty.
func (a *Account) Wait(m Meter, w Window, excess int64) time.Duration {
	if excess <= 0 || a == nil || a.layout.at[m][w] < 0 {
		return 0
	}
	i := int(a.layout.at[m][w])
	r, shape := &a.rings[i], &a.layout.rings[i]
	last := r.head
	for s := r.head - shape.slots + 1; s <= r.head; s++ {
		if v := a.get(i, s); v > 0 {
			last = s
			if excess -= v; excess <= 0 {
				break
			}
		}
	}
	return shape.leaves(last).Sub(a.last)
}

// Standing returns where the account stands on a meter and window; nowhere
// where it has no such ring, or is nil.
func (a *Account) Standing(m Meter, w Window) Standing {
	if a == nil || a.layout.at[m][w] < 0 {
		return Standing{}
	}
	i := int(a.layout.at[m][w])
	r := &a.rings[i]
	if r.sum == 0 {
		return Standing{}
	}
	newest := r.head
	if r.current == 0 {
		newest = a.newest(i)
	}
	return Standing{Used: r.sum, Reset: a.layout.rings[i].leaves(newest).Sub(a.last)}
}

// newest returns the newest slot of ring i that holds something. There must be one.
func (a *Account) newest(i int) int64 {
	s := a.rings[i].head
	for a.get(i, s) == 0 {
		s--
	}
	return s
}

// Empties returns the store's time at which nothing that the account has charged
// counts any more, if nothing more is charged; 0 where nothing counts as it stands.
// What has left the windows since the account was last advanced may still be in it:
// then the time has passed. Charges move it on, only refunds bring it nearer.
func (a *Account) Empties() Instant {
	var at Instant
	shapes := a.layout.rings
	rings := a.rings[:len(shapes)]
	for i := range shapes {
		switch r := &rings[i]; {
		case r.current != 0:
			at = max(at, shapes[i].leaves(r.head))
		case r.sum != 0:
			at = max(at, shapes[i].leaves(a.newest(i)))
		}
	}
	if at == 0 {
		return 0
	}
	return at - a.skew
}

// Idle reports whether nothing counts any more and no grant is unsettled, so
// that forgetting the account changes no decision.
func (a *Account) Idle() bool {
	counts := slices.ContainsFunc(a.rings, func(r ring) bool { return r.sum != 0 })
	return a.held == (Amount{}) && !counts
}
