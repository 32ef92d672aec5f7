package proxy

import (
	"context"
	"errors"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// A client that leaves before anything was sent to the model server owes
// nothing.
func TestLeftBeforeTheRequestWasSent(t *testing.T) {
	x := new(exchange)
	x.spent = spent{amount: limit.Amount{Input: 7, Output: 7, Requests: 1}}
	err := x.unanswered(&upstream.Error{Kind: upstream.Canceled, Err: context.Canceled})
	if !errors.Is(err, context.Canceled) || x.spent != (spent{}) {
		t.Errorf("%v, and %+v is spent", err, x.spent)
	}
}
