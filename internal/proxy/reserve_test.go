package proxy

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestLower: a denial names the member that lowers most of what was in the way, and none
// where nothing that the client can lower is more than half of it.
func TestLower(t *testing.T) {
	for _, tt := range []struct {
		meter  limit.Meter
		charge limit.Amount
		lowers bool
	}{
		{limit.Tokens, limit.Amount{Input: 10, Output: 11}, true},
		{limit.Tokens, limit.Amount{Input: 10, Output: 10}, false},
		{limit.OutputTokens, limit.Amount{Input: 10, Output: 2}, true},
		{limit.OutputTokens, limit.Amount{Output: 1}, false},
		{limit.InputTokens, limit.Amount{Input: 1, Output: 100}, false},
		{limit.Requests, limit.Amount{Output: 100, Requests: 1}, false},
	} {
		for _, e := range []openai.Endpoint{openai.ChatCompletions, openai.Responses} {
			x := &exchange{visit: visit{request: openai.Request{Endpoint: e}, charge: tt.charge}}
			want := ""
			if tt.lowers {
				want = e.OutputCap()
			}
			if got := x.lower(tt.meter); got != want {
				t.Errorf("%s of %+v: %q, want %q", tt.meter, tt.charge, got, want)
			}
		}
	}
}

// TestDenied: a denial says what is left of each limit in the way, and that is nothing
// where it is in debt.
func TestDenied(t *testing.T) {
	rule := limit.Rule{Limit: limit.Limit{Meter: limit.Tokens, Max: 100}, Admissible: 90}
	for used, want := range map[int64]int64{0: 90, 60: 30, 90: 0, 130: 0} {
		x := &exchange{}
		x.decision.Violations = []limit.Violation{{Rule: rule, Used: used}}
		d := x.denied(0)
		if len(d) != 1 || d[0].Used != used || d[0].Remaining != want || d[0].Limit != 100 || d[0].KeptBack != 10 {
			t.Errorf("with %d used of 90: %+v, want %d left", used, d, want)
		}
	}
}
