package redis

import (
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// program is a policy in the words of the scripts. It is immutable.
type program struct {
	policy     *limit.Policy
	userRings  string // of what is counted of the user, in its order
	modelRings string
	gauges     [2]string   // how many requests of the model, of the user may run
	admissible []string    // of all that is counted, the user's first
	bounds     [2][]string // by limit.Bound: the same, each with how far a top-up may go
}

func newProgram(p *limit.Policy) *program {
	g := &program{
		policy: p,
		gauges: [2]string{number(p.MaxConcurrent()), number(p.MaxConcurrentPerUser())},
	}
	var rings [2]strings.Builder
	for _, r := range p.Counted() {
		_, _ = rings[r.Scope].WriteString(ringName(r.Meter, r.Window))
		g.admissible = append(g.admissible, number(r.Admissible))
		for _, b := range []limit.Bound{limit.WithinLimits, limit.WithinDebt} {
			g.bounds[b] = append(g.bounds[b], number(r.Admissible), number(r.Bound(b)))
		}
	}
	g.userRings, g.modelRings = rings[limit.UserScope].String(), rings[limit.ModelScope].String()
	return g
}

func number[N int | int64 | uint64](n N) string { return strconv.FormatInt(int64(n), 10) }

// appendAmount appends the three arguments that an amount is.
func appendAmount(args []string, a limit.Amount) []string {
	return append(args, number(a.Input), number(a.Output), number(a.Requests))
}

// unite returns the rings of a and those of b that a has not.
func unite(a, b string) string {
	if a == "" {
		return b
	}
	for ; len(b) >= 2; b = b[2:] {
		if !strings.Contains(a, b[:2]) {
			a += b[:2]
		}
	}
	return a
}
