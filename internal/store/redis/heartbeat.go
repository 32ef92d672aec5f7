package redis

import (
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// beat renews this replica's lease on every model, so that its running
// requests go on counting however long they run.
func (s *Store) beat() {
	defer s.done.Done()
	if s.options.heartbeat < 0 {
		return
	}
	tick := time.NewTicker(s.options.heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.renew()
		}
	}
}

// renew renews the lease on every model once. A failure needs no care: the
// next heartbeat, or the next reservation, renews it.
func (s *Store) renew() {
	for _, m := range s.all() {
		s.look(s.ctx, m)
	}
}

// leaseTime is a time of this replica, which goes on while it is paused: in
// milliseconds since the start of the store.
func (s *Store) leaseTime() int64 {
	if s.now != nil {
		return int64(s.now())
	}
	return time.Since(s.started).Milliseconds()
}

// renewed notes that a lease that was asked for at a time has been given.
func (m *model) renewed(asked int64) {
	for {
		old := m.lease.Load()
		if asked <= old || m.lease.CompareAndSwap(old, asked) {
			return
		}
	}
}

// Holds implements limit.Store: it reports whether the lease has been renewed
// within its time, and errs on the side of false.
func (s *Store) Holds(g *limit.Grant) bool {
	h, ok := g.Account.(*held)
	return ok && g.IsOpen() && s.leaseTime()-h.model.lease.Load() < leaseTTL.Milliseconds()
}
