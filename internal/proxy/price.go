package proxy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/admission"
	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

const (
	// countTimeout bounds the question how many tokens a request has; without
	// an answer the learned estimate stands.
	countTimeout = 2 * time.Second
	// countBytesMax bounds the answer, which lists every token's number.
	countBytesMax = 16 << 20
)

// price estimates what the request will cost, and finds out whether the limits
// could ever admit it.
func (x *exchange) price() error { return x.unadmitted(x.ticket.Price(x.ctx)) }

// reserve charges the price to every limit that applies, or denies.
func (x *exchange) reserve() error { return x.unadmitted(x.ticket.Reserve(x.ctx)) }

// Count implements admission.Counter.
func (x *exchange) Count(ctx context.Context, floor int64) (n int64, reached bool, err error) {
	begun := time.Now()
	defer func() { x.asking = time.Since(begun) }()
	response, err := x.inquire(ctx)
	var unasked *upstream.Error
	if errors.As(err, &unasked) && !unasked.Reached {
		return 0, false, unasked
	}
	if err != nil {
		return 0, true, nil
	}
	defer response.Body.Close()
	return x.readCount(response, floor), true, nil
}

// inquire sends the question.
func (x *exchange) inquire(ctx context.Context) (*upstream.Response, error) {
	path := wire.Tokenize.Path()
	if x.endpoint == wire.Messages {
		path = wire.CountTokens.Path()
	}
	x.patched = x.request.AppendBody(x.patched[:0], x.body, request.Patch{Model: x.model.ServedAs})
	return x.model.Pool.Do(ctx, &upstream.Request{
		ClientRequest: upstream.ClientRequest{
			Method: http.MethodPost, Path: path, Header: x.fields(), Body: x.patched,
			ResponseTimeout: countTimeout,
		},
		Caller: x.principal.Account, Explain: x.explaining(path),
		Aside: true, // that it can count says nothing about whether it can generate
	})
}

// readCount reads the answer to the question; 0 where it is none, or less than floor. A
// prompt that the model server would cut down to its context is no longer than that.
func (x *exchange) readCount(response *upstream.Response, floor int64) int64 {
	x.answer = x.answer[:0]
	_ = x.readUpTo(response.Body, countBytesMax)
	var told struct {
		Count   int64 `json:"count"`
		Input   int64 `json:"input_tokens"` // of count_tokens
		Context int64 `json:"max_model_len"`
	}
	if response.Status != http.StatusOK || json.Unmarshal(x.answer, &told) != nil {
		return 0
	}
	n := max(told.Count, told.Input)
	if n < floor {
		return 0
	}
	if x.request.TruncateInput < 0 && told.Context > 0 {
		return min(n, told.Context)
	}
	return n
}

// unadmitted returns the answer to a request that admission has refused; nil where it has
// not.
func (x *exchange) unadmitted(err error) error {
	if err == nil {
		return nil
	}
	var misfit *limit.MisfitError
	var denied *admission.DeniedError
	var unasked *upstream.Error
	switch {
	case errors.As(err, &unasked):
		return x.noAnswer(unasked)
	case errors.Is(err, context.Canceled) && x.left():
		return err
	case errors.As(err, &misfit):
		return x.misfit(misfit)
	case errors.As(err, &denied):
		return x.denied(denied)
	case errors.Is(err, limit.ErrClosed):
		return failure.ShuttingDown(drainWait)
	}
	return failure.NoStore(storeWait)
}
