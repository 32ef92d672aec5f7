package memory

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Reset implements limit.Store. Its only error is limit.ErrClosed. A user who shares the
// overflow account has none to be reset.
func (s *Store) Reset(_ context.Context, p *limit.Policy, user string, r limit.Reset,
) (limit.Cleared, error) {
	if s.closed.Load() {
		return limit.Cleared{}, limit.ErrClosed
	}
	m := s.lock(p.Model())
	defer m.mu.Unlock()
	done := limit.Cleared{At: s.now()}
	e := m.users[user]
	if e == nil || e.account == nil {
		return done, nil
	}
	if done.Repeated = e.reset == r.ID; done.Repeated {
		return done, nil
	}
	e.reset = r.ID
	e.account.Advance(done.At)
	for _, rule := range r.Rules(p) {
		sum := e.account.Sum(rule.Meter, rule.Window)
		done.Sums = append(done.Sums, limit.ClearedSum{Rule: rule, Sum: sum})
	}
	e.account.Reset(r)
	if e.running == 0 {
		m.accounts[e.kind].put(e, e.account.Empties())
	}
	return done, nil
}
