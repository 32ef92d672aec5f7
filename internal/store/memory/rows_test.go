package memory

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// TestRows: whoever has an account stands in one row once, however accounts come and go.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 3 * rowCount})
	p := limittest.Policy(t, limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 100}}})
	for i := range 40_000 {
		var g limit.Grant
		var d limit.Decision
		if err := s.Reserve(t.Context(), p, fmt.Sprint("user ", r.IntN(8*rowCount)), limit.Amount{Output: 1, Requests: 1}, &g, &d); err != nil {
			t.Fatal(err)
		}
		s.Settle(&g, limit.Amount{Output: 1, Requests: 1})
		clock.Advance(20e6)
		if i%4000 != 0 {
			continue
		}
		m, stand := s.model(p.Model()), 0
		for row := range m.rows.first {
			for e, before := m.rows.first[row], (*seat)(nil); e != nil; e, before = e.row.after, e {
				stand++
				if m.users[e.name] != e || int(e.row.row) != row || e.row.before != before {
					t.Fatalf("step %d: %q stands in row %d and is not as it should be", i, e.name, row)
				}
			}
		}
		if stand != len(m.users) {
			t.Fatalf("step %d: %d stand in rows, of %d", i, stand, len(m.users))
		}
	}
}
