package admission

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// TestLower: a denial names the member that lowers most of what was in the way, and none
// where nothing that the client can lower is more than half of it.
func TestLower(t *testing.T) {
	for _, tt := range []struct {
		meter  limit.Meter
		need   limit.Amount
		lowers bool
	}{
		{limit.Tokens, limit.Amount{Input: 10, Output: 11}, true},
		{limit.Tokens, limit.Amount{Input: 10, Output: 10}, false},
		{limit.OutputTokens, limit.Amount{Input: 10, Output: 2}, true},
		{limit.OutputTokens, limit.Amount{Output: 1}, false},
		{limit.InputTokens, limit.Amount{Input: 1, Output: 100}, false},
		{limit.Requests, limit.Amount{Output: 100, Requests: 1}, false},
	} {
		for _, e := range []wire.Endpoint{wire.ChatCompletions, wire.Responses} {
			x := &Ticket{state: state{request: Request{Call: &request.Request{Endpoint: e}}, need: tt.need}}
			want := ""
			if tt.lowers {
				want = e.OutputCap()
			}
			if got := x.Lower(tt.meter); got != want {
				t.Errorf("%s of %+v: %q, want %q", tt.meter, tt.need, got, want)
			}
		}
	}
}
