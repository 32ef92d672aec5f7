package usage

import (
	"math"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// TestPricesKeepTheirShareOfTheCeiling: whatever was learned, a price is no less than a
// sixth of the most that the text can cost, so that no input exceeds it more than so.
func TestPricesKeepTheirShareOfTheCeiling(t *testing.T) {
	requests := map[string]*request.Request{}
	for _, text := range []string{"", "a", strings.Repeat("x", 1e5), strings.Repeat(" ", 1e5), strings.Repeat("\n", 1e5), strings.Repeat("@", 1e5),
		strings.Repeat("ordinary words ", 500), strings.Repeat("한국어 ", 500), strings.Repeat("ก", 500)} {
		requests[text] = chat(text)
	}
	hollow := chat("")
	hollow.Messages, hollow.Words = 5000, 50*5000
	requests["hollow messages"] = hollow
	requests["prompts of nothing"] = &request.Request{Endpoint: wire.Embeddings, Prompts: 1000}
	requests["some prompts of ids"] = &request.Request{Endpoint: wire.Completions, Prompts: 1000, Content: request.Content{TokenIDs: 999}}
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
			p.Learn("user", r, wire.Usage{Input: 1, Output: 1}, true)
		}
	}
	check("after lessons of nothing")
}

// TestCeiling: all that can become tokens counts: each byte, those that normalising adds,
// words of messages, and what a template puts around messages and prompts.
func TestCeiling(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    request.Request
		want int64
	}{
		{"nothing", request.Request{}, 0},
		{"a prompt", request.Request{Prompts: 3}, 3 * messageBytes},
		{"messages", request.Request{Prompts: 1, Content: request.Content{Messages: 4}}, 5 * messageBytes},
		{"words", request.Request{Prompts: 1, Content: request.Content{Words: 7}}, 7 + messageBytes},
		{"absurd counts", request.Request{Prompts: math.MaxInt64, Content: request.Content{Words: math.MaxInt64, Messages: math.MaxInt64}}, 2 * priceMax},
		{"less than nothing", request.Request{Prompts: -9, Content: request.Content{Words: -9, Messages: -9}}, 0},
	} {
		if got := Ceiling(&tt.r); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		var text chars.Text
		text.Add([]byte("abcdeﷺ")) // which is 18 letters when normalised
		if text.Growth() <= 0 {
			t.Fatal("the text does not grow")
		}
		tt.r.Text.AddText(text)
		if got, want := Ceiling(&tt.r), tt.want+text.Bytes()+text.Growth(); got != want {
			t.Errorf("%s, and text: %d, want %d", tt.name, got, want)
		}
	}
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
		change  func(r *request.Request)
		want    Price
	}{
		{"as it is", Options{}, func(*request.Request) {}, Price{500, 500, 256}},
		{"cut down, if at all", Options{}, func(r *request.Request) { r.TruncateInput = 50 }, Price{500, 50, 256}},
		{"cut down to the context", Options{ContextLength: 400}, func(r *request.Request) { r.TruncateInput = -1 }, Price{400, 399, 256}},
		{"what was not counted", Options{}, func(r *request.Request) { r.Beside = 101 }, Price{526, 500, 256}},
		{"both", Options{}, func(r *request.Request) { r.Beside, r.TruncateInput = 104, 510 }, Price{526, 500, 256}},
		{"the output that is left", Options{ContextLength: 600}, func(*request.Request) {}, Price{500, 500, 100}},
	} {
		r := chat("x")
		tt.change(r)
		if got := NewPricer(tt.options).Counted("user", r, 500); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
