package usage

import (
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// TestPricesKeepTheirShareOfTheCeiling: whatever was learned, a price is no less than a
// sixth of the most that the text can cost, so that no input exceeds it more than so.
func TestPricesKeepTheirShareOfTheCeiling(t *testing.T) {
	requests := map[string]*openai.Request{}
	for _, text := range []string{"", "a", strings.Repeat("x", 1e5), strings.Repeat(" ", 1e5), strings.Repeat("\n", 1e5), strings.Repeat("@", 1e5),
		strings.Repeat("ordinary words ", 500), strings.Repeat("한국어 ", 500), strings.Repeat("ก", 500)} {
		requests[text] = chat(text)
	}
	hollow := chat("")
	hollow.Messages, hollow.Words = 5000, 50*5000
	requests["hollow messages"] = hollow
	requests["prompts of nothing"] = &openai.Request{Endpoint: openai.Embeddings, Prompts: 1000}
	requests["some prompts of ids"] = &openai.Request{Endpoint: openai.Completions, Prompts: 1000, TokenIDs: 999}
	p := NewPricer(Options{})
	check := func(when string) {
		t.Helper()
		for name, r := range requests {
			if price := p.Price("user", r); price.Input*ExcessMax < Ceiling(r) || price.InputFloor > price.Input {
				t.Errorf("%s: %.20q: %+v, and the ceiling is %d", when, name, price, Ceiling(r))
			}
		}
	}
	check("at first")
	for range 300 { // that all text is free
		for _, r := range requests {
			p.Learn("user", r, openai.Usage{Input: 1, Output: 1}, true)
		}
	}
	check("after lessons of nothing")
}

// TestOrdinaryTextsAreNotLifted: the least price is for texts that are none. Of real ones
// it lifts few, and those little.
func TestOrdinaryTextsAreNotLifted(t *testing.T) {
	for _, tokenizer := range tokenizers {
		lifted, all := 0, texts(t)
		for _, s := range all {
			truth := inputOf(&s, tokenizer)
			least := leastPrice(chat(s.Text))
			if least > truth {
				lifted++
			}
			if least*10 > truth*14 {
				t.Errorf("%s: at least %d for %d tokens: %.60q", tokenizer, least, truth, s.Text)
			}
		}
		if lifted*20 > len(all) {
			t.Errorf("%s: %d of %d texts are lifted", tokenizer, lifted, len(all))
		}
	}
}

func TestCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		change  func(r *openai.Request)
		want    Price
	}{
		{"as it is", Options{}, func(*openai.Request) {}, Price{500, 500, 256}},
		{"cut down, if at all", Options{}, func(r *openai.Request) { r.TruncateInput = 50 }, Price{500, 50, 256}},
		{"cut down to the context", Options{ContextLength: 400}, func(r *openai.Request) { r.TruncateInput = -1 }, Price{400, 399, 256}},
		{"what was not counted", Options{}, func(r *openai.Request) { r.Beside = 101 }, Price{526, 500, 256}},
		{"both", Options{}, func(r *openai.Request) { r.Beside, r.TruncateInput = 101, 510 }, Price{526, 500, 256}},
		{"the output that is left", Options{ContextLength: 600}, func(*openai.Request) {}, Price{500, 500, 100}},
	} {
		r := chat("x")
		tt.change(r)
		if got := NewPricer(tt.options).Counted("user", r, 500); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
