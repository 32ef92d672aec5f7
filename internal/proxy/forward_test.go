package proxy

import (
	"context"
	"errors"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

// TestLeftBeforeTheRequestWasSent: a client that leaves before anything was sent to the
// model server owes nothing.
func TestLeftBeforeTheRequestWasSent(t *testing.T) {
	x := new(exchange)
	e := &upstream.Error{ClientError: upstream.ClientError{Kind: upstream.Canceled, Err: context.Canceled}}
	if err := x.unanswered(e); !errors.Is(err, context.Canceled) || x.costOf(e) != (admission.Cost{}) {
		t.Errorf("%v, and %+v is spent", err, x.costOf(e))
	}
}
