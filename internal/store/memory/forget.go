package memory

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Serve implements limit.Store: accounts are made when they are needed.
func (*Store) Serve([]string) {}

// Hazard implements limit.Store: the memory of this process has no settings.
func (*Store) Hazard(context.Context) (string, error) { return "", nil }

// Forget implements limit.Store. What counts only to be told is in nobody's way.
func (s *Store) Forget(served func(name string) bool) {
	for name := range *s.models.Load() {
		if !served(name) {
			s.forget(name)
		}
	}
}

// forget drops what is idle of a model, the longest idle first, and at last the
// model. It holds no lock for long: the model may return at any time.
func (s *Store) forget(name string) {
	m := s.lock(name)
	for m.evict(limiting, s.now()) || m.evict(counting, ever) {
		s.leave()
		m.mu.Unlock()
		m.mu.Lock()
	}
	idle := m.idle()
	m.mu.Unlock()
	if !idle {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.gone && m.idle() {
		m.gone = true
		s.change(func(models map[string]*model) { delete(models, name) })
	}
}

// idle reports whether nothing of the model counts any more.
func (m *model) idle() bool {
	if len(m.users) > 0 || m.running > 0 {
		return false
	}
	now := m.store.now()
	for _, a := range []*limit.Account{m.overflow.account, m.total} {
		if a == nil {
			continue
		}
		a.Advance(now)
		if !a.Idle() {
			return false
		}
	}
	return true
}
