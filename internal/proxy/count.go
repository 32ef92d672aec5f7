package proxy

import (
	"context"
	"errors"
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

// ask has the model server count the tokens of the input, and returns what is to be
// charged, or why that can never be admitted: as given, where it does not tell. Nobody is
// asked for a client whom the limits would deny, and a question that a model server has got
// counts as a request, whatever comes of it. So it is asked under a reservation of the least that the request
// can be, which grows to what is to be charged: to the limits they are one request, with
// one running slot.
func (x *exchange) ask(charge limit.Amount, misfit error) (limit.Amount, error) {
	if misfit == nil && !x.affords(charge) {
		return charge, nil // reserve denies it
	}
	x.charge = limit.Amount{Input: max(1, x.estimate.InputFloor), Output: x.priced().OutputFloor, Requests: 1}
	if err := x.reserve(); err != nil {
		return charge, err
	}
	n, unasked := x.countInput()
	if n > 0 {
		x.estimate = x.model.Pricer.Counted(x.principal.User, &x.request, n)
		charge, misfit = x.model.Policy.Fit(x.priced())
	}
	switch {
	case x.left():
		misfit = context.Canceled
	case misfit == nil:
		return x.extend(charge)
	case unasked != nil:
		misfit = x.noAnswer(unasked) // it may fit, once somebody can be asked
	}
	x.dismiss()
	return charge, misfit
}

// affords reports whether the limits would admit charge at the moment, as far as a look
// can tell.
func (x *exchange) affords(charge limit.Amount) bool {
	v, err := x.h.Store.View(x.ctx, x.model.Policy, x.principal.User)
	if err != nil {
		return false
	}
	for _, w := range v.Windows {
		if w.Remaining() < charge.Of(w.Rule.Meter) {
			return false
		}
	}
	for _, g := range v.Gauges {
		if g.Max >= 0 && g.Running >= g.Max {
			return false
		}
	}
	return true
}

// extend charges the rest of charge to the grant under which was asked. Where that does
// not fit it ends the grant, so that reserve denies the whole.
func (x *exchange) extend(charge limit.Amount) (limit.Amount, error) {
	granted := x.grant.Granted()
	more := limit.Amount{Input: max(0, charge.Input-granted.Input), Output: max(0, charge.Output-granted.Output)}
	t, err := x.h.Store.TopUp(x.ctx, &x.grant, more, limit.WithinLimits)
	if err != nil {
		x.dismiss()
		return charge, x.undecided(err)
	}
	if !t.Granted {
		x.dismiss()
		if x.counted {
			charge.Requests = 0
		}
		return charge, nil
	}
	for i, r := range x.model.Policy.Rules() {
		x.decision.Standings[i].Used += more.Of(r.Meter)
	}
	x.tellStanding()
	x.explainDecision(admitted, charge)
	return charge, nil
}

// dismiss ends the grant under which was asked, of a request that gets no further with it.
func (x *exchange) dismiss() {
	x.counted = x.inquired
	x.h.Store.Settle(&x.grant, x.sentOnce(x.inquired).amount)
	x.model.Metrics.Running.Dec()
	x.grant.Reset()
}

// countInput returns what the model server counts; 0 where it does not tell, or tells
// what cannot be, and the reason if that is that nobody has got the question.
func (x *exchange) countInput() (int64, *upstream.Error) {
	response, err := x.inquire()
	var unasked *upstream.Error
	if errors.As(err, &unasked) && !unasked.Reached() {
		return 0, unasked
	}
	x.inquired = true
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	return x.readCount(response), nil
}

// inquire sends the question.
func (x *exchange) inquire() (*upstream.Response, error) {
	path := openai.Tokenize.Path()
	if x.endpoint == openai.Messages {
		path = openai.CountTokens.Path()
	}
	x.patched = x.request.AppendBody(x.patched[:0], x.body, openai.Patch{Model: x.model.ServedAs})
	return x.model.Pool.Do(x.ctx, &upstream.Request{
		Method: http.MethodPost, Path: path, Caller: x.principal.User, Header: x.fields(), Body: x.patched, ResponseTimeout: countTimeout,
		Explain: x.explaining(path),
		Aside:   true, // that it can count says nothing about whether it can generate
	})
}

// readCount reads the answer to the question. A prompt that the model server would cut
// down to its context is no longer than that.
func (x *exchange) readCount(response *upstream.Response) int64 {
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
	if n < x.estimate.InputFloor {
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
