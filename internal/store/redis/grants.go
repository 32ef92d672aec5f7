package redis

import (
	"slices"
	"sync"
)

// grants are those of one model that this process has open. The zero value is ready
// for use and safe for concurrent use.
type grants struct {
	mu   sync.Mutex
	open map[*holding]struct{}
}

// add notes that h is open.
func (gs *grants) add(h *holding) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.open == nil {
		gs.open = map[*holding]struct{}{}
	}
	gs.open[h] = struct{}{}
}

// remove notes that h is open no more, and calls settle before anybody can find that.
func (gs *grants) remove(h *holding, settle func()) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	delete(gs.open, h)
	settle()
}

// note notes a charge of h with the number of the record that it is in.
func (gs *grants) note(h *holding, c charge) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if last := &h.charges[len(h.charges)-1]; last.number == c.number {
		last.amount = last.amount.Plus(c.amount)
		return
	}
	h.charges = append(h.charges, c)
}

// restore has the records written again of all grants that were made in another
// enrolment than this one, for Redis has lost them, and returns how many these are.
// What they run and hold counts again then; their charges give nothing back, as
// nothing does that was lost. The outbox keeps the order: a grant that ends now is
// settled after that.
func (gs *grants) restore(ob *outbox, enrolment int64) int {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	n := 0
	for h := range gs.open {
		lost := h.enrolment != enrolment && h.enrolment != 0 // 0: not known then, and on its way
		h.enrolment = enrolment
		if !lost {
			continue
		}
		n++
		// A top-up may have made a record in this enrolment: only what is missing is written.
		charges := slices.Clone(h.charges)
		ob.add(entry{restore: true, user: h.user, program: h.program, charges: charges})
	}
	return n
}
