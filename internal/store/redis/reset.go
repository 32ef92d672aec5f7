package redis

import (
	"context"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// What the result of the reset script has first, behind the time.
const (
	resetVerdict  = 1
	resetSums     = 2
	resetRepeated = 0
)

// Reset implements limit.Store, in one script, behind what this process has settled before.
func (s *Store) Reset(ctx context.Context, p *limit.Policy, user string, r limit.Reset,
) (limit.Cleared, error) {
	if err := s.ready(); err != nil {
		return limit.Cleared{}, err
	}
	m := s.use(p.Model())
	defer m.leave()
	rules := r.Rules(p)
	var rings strings.Builder
	for _, rule := range rules {
		_, _ = rings.WriteString(ringName(rule.Meter, rule.Window))
	}
	args := []string{number(s.pending.skip()), m.self(s), r.ID, windowsOf(r), rings.String()}
	ask := &request{script: s.scripts.reset, keys: m.keys(m.user(user)), args: args}
	reply, err := s.decide(ctx, m, ask)
	if err != nil {
		return limit.Cleared{}, err
	}
	done := limit.Cleared{
		At: limit.Instant(reply[0]), Repeated: reply[resetVerdict] == resetRepeated,
	}
	for i, sum := range reply[resetSums:] {
		done.Sums = append(done.Sums, limit.ClearedSum{Rule: rules[i], Sum: sum})
	}
	return done, nil
}

// windowsOf returns the letters of the windows that r is about.
func windowsOf(r limit.Reset) string {
	if len(r.Windows) == 0 {
		return windowLetters
	}
	var letters strings.Builder
	for _, w := range r.Windows {
		_ = letters.WriteByte(windowLetters[w])
	}
	return letters.String()
}
