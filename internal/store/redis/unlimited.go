package redis

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// unlimitedWaiting is how many entries of a model may wait for the server before requests
// that nothing limits are no longer counted: they go on while the server is away, and
// what waits takes memory.
const unlimitedWaiting = 16 << 10

// enter admits a request that nothing limits, without asking the server: what it has used
// is charged when it is settled. Its record, which says that it runs, is added to the
// outbox of settlements, as those are that the server has lost.
func (s *Store) enter(p *limit.Policy, user string, g *limit.Grant, d *limit.Decision) error {
	if s.closed.Load() {
		return limit.ErrClosed
	}
	now := s.localTime()
	d.Reset(now)
	d.Admitted = true
	m := s.use(p.Model()) // until Settle
	h := &holding{
		model: m, program: m.program(p), user: m.user(user), enrolment: m.enrolment(), begun: now,
	}
	h.charges = append(h.first[:0], charge{number: s.pending.skip()})
	g.Open(p, user)
	g.Account = h
	h.forgone = m.outbox.waiting() >= unlimitedWaiting
	first := m.forgoing.Swap(h.forgone) != h.forgone
	if h.forgone {
		s.counts.add(func(st *Stats) { st.Forgone++ })
		s.options.Forgone(m.name, first)
		return nil
	}
	m.grants.add(h)
	m.outbox.add(entry{restore: true, user: h.user, program: h.program, charges: h.charges[:1:1]})
	return nil
}

// localTime is the time of this process, for what the server is not asked about.
func (s *Store) localTime() limit.Instant {
	if s.options.Now != nil {
		return s.options.Now()
	}
	return limit.InstantOf(time.Now())
}
