package redis

import (
	"context"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// View implements limit.Store, in one script.
func (s *Store) View(ctx context.Context, p *limit.Policy, user string) (limit.View, error) {
	if err := s.ready(); err != nil {
		return limit.View{}, err
	}
	m := s.use(p.Model())
	defer m.leave()
	g := m.program(p)
	n := s.pending.begin()
	defer s.pending.end(n)
	args := []string{number(n), m.self(s), g.userRings, g.modelRings}
	r := &request{script: s.scripts.view, keys: m.keys(m.user(user)), args: args}
	reply, err := s.decide(ctx, m, r)
	if err != nil {
		return limit.View{}, err
	}
	return readView(p, reply), nil
}

// readView returns what the script says of a user under p.
func readView(p *limit.Policy, reply []int64) limit.View {
	v := limit.View{At: limit.Instant(reply[0]), Gauges: gauges(p, reply[1:])}
	for i, r := range p.Counted() {
		rule := reply[3+3*i:]
		w := limit.NewWindowView(r, rule[0], rule[1], milliseconds(rule[2]))
		v.Windows = append(v.Windows, w)
	}
	return v
}
