package redis

import "time"

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
		n := s.pending.begin()
		args := []string{number(n), s.options.Replica}
		_, _ = s.call(s.ctx, s.scripts.heartbeat, s.options.Timeout, []string{m.replicas}, args)
		s.pending.end(n)
	}
}
