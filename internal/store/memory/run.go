package memory

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// run is a request that runs. The model's lock guards it.
type run struct {
	seat       *seat
	since      limit.Instant
	prev, next *run
}

// begin notes that a request of e has been admitted.
func (m *model) begin(e *seat, now limit.Instant) *run {
	r := m.spare
	if r == nil {
		r = new(run)
	} else {
		m.spare = r.next
	}
	*r = run{seat: e, since: now, prev: m.runs.prev, next: &m.runs}
	r.prev.next, m.runs.prev = r, r
	m.running++
	e.running++
	return r
}

// end notes that r has been settled.
func (m *model) end(r *run) {
	e := r.seat
	r.prev.next, r.next.prev = r.next, r.prev
	*r = run{next: m.spare}
	m.spare = r
	m.running--
	if e.running--; e.running == 0 && e.own {
		m.accounts[e.kind].put(e, e.account.Empties())
	}
}

// Slots implements limit.Store: there is one replica. Its only error is limit.ErrClosed.
func (s *Store) Slots(_ context.Context, name string) (limit.Slots, error) {
	if s.closed.Load() {
		return limit.Slots{}, limit.ErrClosed
	}
	all := limit.Slots{At: s.now()}
	m := (*s.models.Load())[name]
	if m == nil {
		all.Replicas = []limit.ReplicaSlots{{Self: true, Counts: true}}
		return all, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all.Replicas = []limit.ReplicaSlots{{Self: true, Running: m.running, Counts: true}}
	for r := m.runs.next; r != &m.runs && len(all.Own) < limit.RunsMax; r = r.next {
		all.Own = append(all.Own, limit.Run{User: r.seat.name, Since: r.since})
	}
	return all, nil
}

// Free implements limit.Store: there is no replica but this one, which has no id.
func (s *Store) Free(context.Context, string, string) (int64, error) {
	if s.closed.Load() {
		return 0, limit.ErrClosed
	}
	return 0, limit.ErrNoReplica
}
