package redis

// Forget implements limit.Store: it ends the goroutines and the heartbeats of models that
// are not served, and gives their leases back, as far as no request of theirs is running and
// all that was settled has been applied.
//
// What Redis knows of this replica stays until its lease has been over for an hour,
// as that of a replica that has ended does: a late copy of a batch, or of a charge
// that was given up, is refused as before.
func (s *Store) Forget(served func(name string) bool) {
	for _, m := range s.all() {
		if !served(m.name) && s.part(m) {
			s.giveBack(m)
		}
	}
}

// giveBack ends the lease on m, which would end by itself where that fails.
func (s *Store) giveBack(m *model) {
	args := []string{number(s.pending.skip()), m.self(s)}
	leave := request{script: s.scripts.leave, keys: []string{m.replicas}, args: args}
	_ = s.callAll(s.ctx, s.options.Timeout, []request{leave})
}

// part ends what the store does for m, unless m is in use.
func (s *Store) part(m *model) bool {
	s.mu.Lock() // nobody begins to use m meanwhile
	defer s.mu.Unlock()
	if m.users.Load() > 0 || m.outbox.waiting() > 0 || s.models[m.name] != m {
		return false
	}
	delete(s.models, m.name)
	close(m.outbox.end)
	return true
}
