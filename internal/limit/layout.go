package limit

import (
	"cmp"
	"slices"
)

// Layout says which rings an account has and where their slots lie. It is
// immutable; accounts of one policy share it.
type Layout struct {
	rings []ringShape
	at    [meters][windows]int8 // index into rings, -1 where there is none
	slots int                   // of all rings together
	// narrowest is the least width of a slot. Wider slots begin and end with one of
	// these: see windowShapes.
	narrowest Instant
}

type ringShape struct {
	meter  Meter
	window Window
	offset int     // of its first slot
	width  Instant // of a slot
	slots  int64   // that the ring keeps: the current one, and the B before it
}

// slot returns the number of the slot that t falls in.
func (r *ringShape) slot(t Instant) int64 { return int64(t / r.width) }

// ends returns the moment at which a slot ends, and the next one begins.
func (r *ringShape) ends(slot int64) Instant { return Instant(slot+1) * r.width }

// leaves returns the moment at which a charge made in a slot no longer counts: B
// slots after its own has ended.
func (r *ringShape) leaves(slot int64) Instant { return Instant(slot+r.slots) * r.width }

func newLayout(limits []Limit) *Layout {
	l := &Layout{}
	for m := range l.at {
		for w := range l.at[m] {
			l.at[m][w] = -1
		}
	}
	for _, limit := range limits {
		l.add(limit.Meter, limit.Window)
	}
	return l
}

func (l *Layout) add(m Meter, w Window) {
	if l.at[m][w] >= 0 {
		return
	}
	l.at[m][w] = int8(len(l.rings)) // #nosec G115 -- a dozen at the most
	width, kept := windowShapes[w].width, windowShapes[w].slots+1
	l.rings = append(l.rings, ringShape{m, w, l.slots, width, kept})
	l.slots += int(kept)
	l.narrowest = min(cmp.Or(l.narrowest, width), width)
}

// covers reports whether every ring of other is also in l.
func (l *Layout) covers(other *Layout) bool {
	for _, r := range other.rings {
		if l.at[r.meter][r.window] < 0 {
			return false
		}
	}
	return true
}

// union returns a layout with the rings of both; those of l keep their index.
func (l *Layout) union(other *Layout) *Layout {
	u := newLayout(nil)
	for _, r := range slices.Concat(l.rings, other.rings) {
		u.add(r.meter, r.window)
	}
	return u
}
