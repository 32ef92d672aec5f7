package admission

import (
	"errors"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
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

// TestReserveNeedsAPrice: without one nothing is reserved, and nobody is told of anything; the
// next request of a ticket needs a price of its own.
func TestReserveNeedsAPrice(t *testing.T) {
	store, terms := memory.New(memory.Options{}), model(t, "a", 1000)
	r := Request{User: "alice", Terms: terms, Call: call(100), Store: store}
	var ticket Ticket
	for range 2 {
		var seen witness
		r.Observer = &seen
		ticket.Begin(r)
		if err := ticket.Reserve(t.Context()); !errors.Is(err, ErrUnpriced) || len(seen) > 0 {
			t.Errorf("got %v, and told %v", err, seen)
		}
		if err := errors.Join(ticket.Price(t.Context()), ticket.Reserve(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}
