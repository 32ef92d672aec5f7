package proxy

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestDenied: a denial says what is left of each limit in the way, and that is nothing
// where it is in debt.
func TestDenied(t *testing.T) {
	rule := limit.Rule{Limit: limit.Limit{Meter: limit.Tokens, Max: 100}, Admissible: 90}
	for used, want := range map[int64]int64{0: 90, 60: 30, 90: 0, 130: 0} {
		x := &exchange{}
		d := x.limitsOf(&admission.DeniedError{Violations: []limit.Violation{{Rule: rule, Used: used}}}, 0)
		if len(d) != 1 || d[0].Used != used || d[0].Remaining != want || d[0].Max != 100 || d[0].KeptBack != 10 {
			t.Errorf("with %d used of 90: %+v, want %d left", used, d, want)
		}
	}
}
