package proxy

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
)

const (
	// countTimeout bounds the question how many tokens a request has; without
	// an answer the learned estimate stands.
	countTimeout = 2 * time.Second
	// countBytesMax bounds the answer, which lists every token's number.
	countBytesMax = 16 << 20
)

// countable reports whether a model server can be asked how many tokens the input
// has. vLLM's /tokenize takes the members of a chat or of a completion with one prompt,
// count_tokens those of Anthropic's messages, and both ignore what they do not know, so
// they get the body as it is. They see a placeholder where a picture or a recording is:
// those keep their declared price.
func (x *exchange) countable() bool {
	r := &x.request
	if x.hasMedia() || r.Twofold {
		return false
	}
	switch x.endpoint {
	case openai.ChatCompletions, openai.Messages:
		return true
	case openai.Completions:
		return r.Prompts == 1 && r.TokenIDs == 0 && r.Messages == 0
	}
	return false
}

// ask asks the model server for the number of tokens of the input, under a reservation
// of its own: nobody is asked for a client whom the limits would deny, and a question
// counts as a request, whatever comes of it. The reservation is what the request needs
// by the estimate or, where that alone is in the way, by the least that it can be. What
// it denies is denied as it would have been. It reports whether x.estimate is exact now;
// else it returns misfit again, which the estimate has made.
func (x *exchange) ask(charge limit.Amount, misfit error) (counted bool, err error) {
	x.charge = charge
	if misfit != nil {
		x.charge = limit.Amount{Input: x.estimate.InputFloor, Output: x.priced().OutputFloor, Requests: 1}
	}
	if err := x.reserve(); err != nil {
		return false, err
	}
	n := x.countInput()
	x.h.Store.Settle(&x.grant, limit.Amount{Requests: 1})
	x.model.Metrics.Running.Dec()
	x.grant.Reset()
	x.counted = true
	if x.left() {
		return false, context.Canceled
	}
	if n == 0 {
		return false, misfit
	}
	x.estimate = x.model.Pricer.Counted(x.principal.User, &x.request, n)
	return true, nil
}

// countInput returns what the model server counts; 0 where it does not tell, or tells
// what cannot be. A prompt that it would cut down to its context is no longer than that.
func (x *exchange) countInput() int64 {
	path := openai.Tokenize.Path()
	if x.endpoint == openai.Messages {
		path = openai.CountTokens.Path()
	}
	x.patched = x.request.AppendBody(x.patched[:0], x.body, openai.Patch{Model: x.model.ServedAs})
	response, err := x.model.Pool.Do(x.ctx, &upstream.Request{
		Method: http.MethodPost, Path: path, Header: x.fields(), Body: x.patched, ResponseTimeout: countTimeout,
	})
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	x.answer = x.answer[:0]
	x.readUpTo(response.Body, countBytesMax)
	var told struct {
		Count   int64 `json:"count"`
		Input   int64 `json:"input_tokens"` // of count_tokens
		Context int64 `json:"max_model_len"`
	}
	if response.Status != http.StatusOK || json.Unmarshal(x.answer, &told) != nil {
		return 0
	}
	n := max(told.Count, told.Input)
	if n < x.estimate.InputFloor && x.request.TruncateInput == 0 {
		return 0
	}
	if x.request.TruncateInput < 0 && told.Context > 0 {
		return min(n, told.Context)
	}
	return n
}

// hasMedia reports whether something beside text is in the input, which the model
// server may have to fetch from elsewhere.
func (x *exchange) hasMedia() bool { return x.request.Images > 0 || x.request.AudioParts > 0 }
