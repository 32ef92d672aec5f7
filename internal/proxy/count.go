package proxy

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

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

// countInput asks the model server how many tokens the input has. vLLM's
// /tokenize takes the members of a chat or of a completion with one prompt, and
// ignores those it does not know, so it gets the body as it is. It sees a
// placeholder where a picture or a recording is: those keep their declared price.
func (x *exchange) countInput() {
	if x.hasMedia() {
		return
	}
	chat := x.endpoint == openai.ChatCompletions
	if !chat && !(x.endpoint == openai.Completions && x.request.Prompts == 1 && x.request.TokenIDs == 0) {
		return
	}
	x.patched = x.request.AppendBody(x.patched[:0], x.body, openai.Patch{Model: x.model.ServedAs})
	response, err := x.model.Pool.Do(x.ctx, &upstream.Request{
		Method: http.MethodPost, Path: openai.Tokenize.Path(), Header: x.fields(), Body: x.patched, ResponseTimeout: countTimeout,
	})
	if err != nil {
		return
	}
	defer response.Body.Close()
	x.answer = x.answer[:0]
	x.readUpTo(response.Body, countBytesMax)
	var told struct {
		Count int64 `json:"count"`
	}
	if response.Status != http.StatusOK || json.Unmarshal(x.answer, &told) != nil || told.Count <= 0 {
		return
	}
	x.estimate.Input, x.estimate.InputFloor = told.Count, told.Count
}

// hasMedia reports whether something beside text is in the input, which the model
// server may have to fetch from elsewhere.
func (x *exchange) hasMedia() bool { return x.request.Images > 0 || x.request.AudioParts > 0 }
