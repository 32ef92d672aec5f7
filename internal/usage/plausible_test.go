package usage

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// TestPlausibleInputs: each prompt can be as long as the context, and where that is not
// known as long as any model's.
func TestPlausibleInputs(t *testing.T) {
	for _, tt := range []struct {
		name             string
		context, prompts int64
		most             int64
	}{
		{"a context that is known", 4096, 1, 4096},
		{"each prompt has its own", 4096, 3, 3 * 4096},
		{"a request without prompts", 4096, 0, 4096},
		{"a context that is not known", 0, 1, contextMost},
		{"nor those of several prompts", 0, 3, 3 * contextMost},
	} {
		p := NewPricer(Options{ContextLength: tt.context})
		r := ids(10, func(r *request.Request) { r.Prompts = tt.prompts })
		if !p.PlausibleInput(r, tt.most) || p.PlausibleInput(r, tt.most+1) {
			t.Errorf("%s: %d tokens are plausible: %v, and one more: %v", tt.name, tt.most, p.PlausibleInput(r, tt.most), p.PlausibleInput(r, tt.most+1))
		}
	}
}

// TestPlausibleOutputs: as many tokens as bytes have come are plausible in any case. Others
// must have been asked for and generated in the time that there was, but for some that no
// time says; what is not returned counts like what is.
func TestPlausibleOutputs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(r *request.Request)
		bytes   int64
		elapsed time.Duration
		most    int64
	}{
		{"what has come, at once", func(*request.Request) {}, 900, 0, 900 + hiddenSlack},
		{"what has come, beyond the cap", func(r *request.Request) { r.OutputCap = 10 }, 900, time.Hour, 900},
		{"nothing has come, up to the cap", func(r *request.Request) { r.OutputCap = 500 }, 0, time.Hour, 500},
		{"of each sequence", func(r *request.Request) { r.OutputCap, r.Sequences = 500, 4 }, 0, time.Hour, 2000},
		{"nothing has come, up to the context", func(*request.Request) {}, 0, time.Hour, 3990},
		{"as many as the fastest server generates", func(*request.Request) {}, 0, time.Second / 2, 2000 + hiddenSlack},
		{"in each sequence", func(r *request.Request) { r.Sequences = 2 }, 0, time.Second / 4, 2 * (1000 + hiddenSlack)},
		{"sequences that are not returned are like those that are", func(r *request.Request) { r.Sequences = 3 }, 100, 0, 3 * (100 + hiddenSlack)},
		{"of each prompt", func(r *request.Request) { r.Prompts, r.Sequences = 2, 3 }, 100, 0, 6 * (50 + hiddenSlack)},
		{"all are returned", func(r *request.Request) { r.Sequences, r.Choices = 3, 3 }, 99, 0, 99 + 3*hiddenSlack},
		{"a request without prompts and choices", func(r *request.Request) { r.Prompts, r.Choices = 0, 0 }, 100, 0, 100 + hiddenSlack},
		{"an endpoint without output", func(r *request.Request) { r.Endpoint = wire.Embeddings }, 900, time.Hour, 0},
	} {
		p, r := NewPricer(Options{ContextLength: 4000}), ids(10, tt.change)
		plausible := func(tokens int64) bool { return p.PlausibleOutput(r, 10, tokens, tt.bytes, tt.elapsed) }
		if !plausible(tt.most) || plausible(tt.most+1) {
			t.Errorf("%s: %d tokens are plausible: %v, and one more: %v", tt.name, tt.most, plausible(tt.most), plausible(tt.most+1))
		}
	}
}
