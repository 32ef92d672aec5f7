package redis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// errGivenUp is the cause of a charge that the server refused because this
// replica had given it up.
var errGivenUp = errors.New("the charge had been given up")

// point is a moment of an outbox: what was to be applied before a decision.
type point struct {
	added    uint64 // entries, up to here
	setbacks uint64 // that had been known
	behind   bool   // something was left that was not sent
	own      bool   // something of the same user may have been
}

// decide runs the script of a decision on m behind what was settled before it and may
// change it, which it takes along where nobody has sent it yet. A denial for which
// something was left that matters might be due to a request that has ended: it is asked
// for once more, behind all. It takes no longer than a call may.
func (s *Store) decide(ctx context.Context, m *model, r *request) ([]int64, error) {
	till := time.Now().Add(s.options.Timeout)
	for again := false; ; again = true {
		a, before, err := s.arrive(ctx, till, m, r)
		if err != nil {
			return nil, err
		}
		if !r.script.decides() {
			return a.values, a.err
		}
		m.decided(a.err)
		if a.err == nil && a.values[0] == verdictRefused {
			return nil, s.failed(r.script.operation, errGivenUp)
		}
		if a.err != nil || again || a.values[0] != verdictDenied {
			return a.values, a.err
		}
		holds, err := m.outbox.holds(ctx, till, r, before, a.values)
		if err != nil {
			return nil, s.failed(r.script.operation, err)
		}
		if holds {
			return a.values, nil
		}
	}
}

// arrivals is how often the script of a decision is sent until it runs: by its hash,
// whole, and as often on a new connection.
const arrivals = 4

// arrive sends the script of a decision until it has run, or its answer is lost: where
// the server does not know it, and where the connection was lost before, it did not.
func (s *Store) arrive(ctx context.Context, till time.Time, m *model, r *request,
) (a answer, before point, err error) {
	for range arrivals {
		if err := s.rehearsed(ctx, till, m); err != nil {
			return a, before, err
		}
		taught := r.script.taught.Load()
		a, before, _ = m.outbox.send(ctx, till, r)
		if a.forgotten() {
			a, before = m.outbox.teach(ctx, till, r, taught)
		}
		if !a.forgotten() && !errors.Is(a.err, errUntried) {
			return a, before, nil
		}
	}
	return a, before, nil
}

// teach sends a decision whose script the server has forgotten since it was taught so
// often: whole, or by its hash where somebody else has taught it meanwhile. One at a time
// does that: the text takes the server a millisecond, and all who run meet it at once.
func (ob *outbox) teach(ctx context.Context, till time.Time, r *request, taught int64,
) (a answer, before point) {
	sc := r.script
	sc.teaching.Lock()
	if sc.taught.Load() != taught {
		sc.teaching.Unlock()
		a, before, _ = ob.send(ctx, till, r)
		return a, before
	}
	defer sc.teaching.Unlock()
	told := *r
	told.whole = true
	if a, before, _ = ob.send(ctx, till, &told); a.err == nil {
		sc.taught.Add(1)
	}
	return a, before
}

// send sends what waits and, behind it, a decision, if there is one. It returns the
// answer to that, what was to be applied before it, and whether there were batches and
// all have been applied.
func (ob *outbox) send(ctx context.Context, till time.Time, decision *request,
) (a answer, before point, applied bool) {
	ob.sending.Lock()
	batches, before := ob.gather(decision)
	requests := make([]request, 0, len(batches)+1)
	for _, b := range batches {
		requests = append(requests, b.request(ob.model))
	}
	if decision != nil {
		requests = append(requests, *decision)
	}
	if len(requests) == 0 {
		ob.sending.Unlock()
		return a, before, false
	}
	turn := &turn{Context: ctx, over: ob.sending.Unlock}
	answers := ob.store.exchange(turn, till, requests)
	if len(batches) != 0 {
		applied = ob.note(batches, answers)
	}
	return answers[len(answers)-1], before, applied
}

// unsent reports whether anything is to be sent.
func (ob *outbox) unsent() bool {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	return len(ob.entries) > 0 || ob.firstBack() < len(ob.queue)
}

// firstBack returns the index in the queue of the first batch that has come back,
// from which on all are sent again. mu is held.
func (ob *outbox) firstBack() int {
	if i := slices.IndexFunc(ob.queue, func(b *batch) bool { return b.back }); i >= 0 {
		return i
	}
	return len(ob.queue)
}

// gather returns the batches that are to be sent, as many as may go at once: those
// that have come back, with what was sent behind them, and new ones. A batch that the
// server refuses is tried alone and in its own time, not by decisions. A decision that
// has no need of them takes none. sending is held.
func (ob *outbox) gather(decision *request) (batches []*batch, before point) {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	takes := decision == nil || ob.needs(decision)
	refused := ob.refusal.Load() != nil || !takes
	charges, next := 0, ob.firstBack()
	fits := func(more int) bool {
		if len(batches) == 0 {
			return !refused || decision == nil
		}
		return !refused && charges+more <= sendCharges
	}
	for next < len(ob.queue) && fits(ob.queue[next].charges) {
		batches = append(batches, ob.queue[next])
		charges += ob.queue[next].charges
		next++
	}
	for next == len(ob.queue) && next < queuedBatches && len(ob.entries) > 0 && fits(batchCharges) {
		b := ob.next()
		ob.queue, batches = append(ob.queue, b), append(batches, b)
		charges += b.charges
		next++
	}
	for i, b := range batches {
		if b.back = false; b.sent > 0 {
			ob.store.counts.add(func(st *Stats) { st.Repeated++ })
		}
		b.sent++
		b.after = 0
		if at := next - len(batches) + i; at > 0 {
			b.after = ob.queue[at-1].number
		}
	}
	left := next < len(ob.queue) || len(ob.entries) > 0
	return batches, point{ob.added, ob.setbacks, left, left && takes}
}

// needs reports whether a decision may come out otherwise by what has not been sent yet:
// by a settlement of the same user, or of anybody where the model is near a limit of its
// own. One that is denied for want of the others is asked again behind them. mu
// is held.
func (ob *outbox) needs(decision *request) bool {
	if !ob.roomy.Load() || !decision.script.decides() ||
		ob.firstBack() < len(ob.queue) || len(ob.entries) > batchCharges {
		return true
	}
	same := func(e entry) bool { return e.user == decision.keys[2] }
	return slices.ContainsFunc(ob.entries, same)
}

// roomyShare is the part of a limit of the model, a half, up to which there is room.
const roomyShare = 2

// noteRoom notes whether the model is far from its own limits, as a decision saw it.
func (ob *outbox) noteRoom(p *limit.Policy, d *limit.Decision, running int64) {
	roomy := p.MaxConcurrent() == limit.Unlimited || roomyShare*running < p.MaxConcurrent()-1
	for i, r := range p.Rules() {
		far := roomyShare*d.Standings[i].Used < r.Admissible
		roomy = roomy && (far || r.Scope != limit.ModelScope)
	}
	if ob.roomy.Load() != roomy {
		ob.roomy.Store(roomy)
	}
}

// next makes the next batch: of one entry, and of more as far as their charges fit. sending
// and mu are held.
func (ob *outbox) next() *batch {
	s, n, charges := ob.store, 1, ob.entries[0].weight()
	for ; n < len(ob.entries); n++ {
		more := ob.entries[n].weight()
		if charges+more > batchCharges {
			break
		}
		charges += more
	}
	entries := ob.entries[:n:n]
	ob.entries = ob.entries[n:]
	for i := range entries {
		// From this batch on the server refuses what is cancelled in it.
		if entries[i].cancel {
			s.counts.add(func(st *Stats) { st.Cancelled++ })
			s.pending.end(entries[i].charges[0].number)
		}
	}
	b := newBatch(ob.model, ob.model.self(s), s.batches.Add(1), s.pending.lowest(), entries)
	b.charges = charges
	return b
}

// batchEarly is the result for a batch that came before the one that it follows, which is
// not applied.
const batchEarly = -1

// note notes what became of batches that were sent, and reports whether all have
// been applied, now or before.
func (ob *outbox) note(batches []*batch, answers []answer) bool {
	ob.mu.Lock()
	defer ob.mu.Unlock()
	defer ob.changed()
	well := true
	for i, b := range batches {
		if a := &answers[i]; a.err == nil && a.values[0] != batchEarly {
			ob.acknowledge(b, a.values)
		} else {
			well = false
			ob.comeBack(b, a)
		}
	}
	if !well {
		signal(ob.wake)
	}
	return well
}

// acknowledge drops b from the queue, and what is before it: batches are applied in
// their order. mu is held.
func (ob *outbox) acknowledge(b *batch, values []int64) {
	ob.model.sees(ob.store, values)
	ob.model.settled.Store(max(b.number, ob.model.settled.Load()))
	ob.refusal.note(nil)
	ob.forgotten.Store(false)
	n := 0
	for n < len(ob.queue) && ob.queue[n].number <= b.number {
		ob.applied += uint64(ob.queue[n].size) // #nosec G115 -- a count
		n++
	}
	ob.store.counts.add(func(st *Stats) {
		st.Batches += int64(n)
		st.Lost += values[1]
		st.Missing += values[2]
	})
	ob.queue = slices.Delete(ob.queue, 0, n)
}

// comeBack notes that b was not applied, or may not have been. mu is held.
func (ob *outbox) comeBack(b *batch, a *answer) {
	if len(ob.queue) == 0 || b.number < ob.queue[0].number {
		return // another copy was applied
	}
	ob.setbacks++
	b.back = true
	switch {
	case a.forgotten():
		ob.forgotten.Store(true)
	case asRefusal(a.err) != nil:
		ob.store.counts.add(func(st *Stats) { st.Refused++ })
		ob.refusal.note(a.err)
		ob.model.rehearsal.doubted(a.err)
	}
}
