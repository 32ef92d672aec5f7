package usage

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// ids returns a completion request of n prompt tokens given as numbers: its
// input is known exactly, so that tests can tell the output.
func ids(n int64, change func(r *request.Request)) *request.Request {
	r := &request.Request{Endpoint: wire.Completions, Sequences: 1, Choices: 1, Prompts: 1, Content: request.Content{TokenIDs: n}}
	if change != nil {
		change(r)
	}
	return r
}

func TestPrice(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		request *request.Request
		want    Price
	}{
		{"token ids are counted", Options{}, ids(70, nil), Price{70, 70, 256}},
		{"a prompt of one token", Options{}, ids(1, nil), Price{1, 1, 256}},
		{"messages beside ids, of which nothing is known but their number", Options{}, ids(70, func(r *request.Request) { r.Messages = 2 }), Price{81, 70, 256}},
		{"a prompt of ids and one of nothing", Options{}, ids(1, func(r *request.Request) { r.Prompts = 2 }), Price{7, 1, 512}},
		{"a default of one's own", Options{DefaultOutput: 9}, ids(70, nil), Price{70, 70, 9}},
		{"never above the cap", Options{}, ids(70, func(r *request.Request) { r.OutputCap = 50 }), Price{70, 70, 50}},
		{"a cap beyond what is expected", Options{}, ids(70, func(r *request.Request) { r.OutputCap = 5000 }), Price{70, 70, 256}},
		{"never above the context", Options{ContextLength: 100}, ids(70, nil), Price{70, 70, 30}},
		{"a full context leaves a token", Options{ContextLength: 70}, ids(70, nil), Price{70, 70, 1}},
		{"at least min_tokens", Options{}, ids(70, func(r *request.Request) { r.MinOutput = 300 }), Price{70, 70, 300}},
		{"min_tokens within the context", Options{ContextLength: 100}, ids(70, func(r *request.Request) { r.MinOutput = 300 }), Price{70, 70, 30}},
		{"ignore_eos runs to the cap", Options{}, ids(70, func(r *request.Request) { r.IgnoreEOS, r.OutputCap = true, 900 }), Price{70, 70, 900}},
		{"ignore_eos without an end in sight", Options{}, ids(70, func(r *request.Request) { r.IgnoreEOS = true }), Price{70, 70, 256}},
		{"each sequence of each prompt", Options{}, ids(70, func(r *request.Request) { r.Prompts, r.Sequences = 3, 4 }), Price{70, 70, 3072}},
		{"prompts share neither context nor room", Options{ContextLength: 100}, ids(140, func(r *request.Request) { r.Prompts = 2 }), Price{140, 140, 60}},
		{"worst case: the cap", Options{WorstCase: true}, ids(70, func(r *request.Request) { r.OutputCap = 5000 }), Price{70, 70, 5000}},
		{"worst case: the context", Options{WorstCase: true, ContextLength: 4096}, ids(96, nil), Price{96, 96, 4000}},
		{"worst case: both", Options{WorstCase: true, ContextLength: 100}, ids(70, func(r *request.Request) { r.OutputCap = 5000 }), Price{70, 70, 30}},
		{"worst case: neither", Options{WorstCase: true}, ids(70, nil), Price{70, 70, 256}},
		{"pictures", Options{}, ids(70, func(r *request.Request) { r.Images = 2 }), Price{2118, 70, 256}},
		{"audio of known length", Options{AudioTokensPerSecond: 10}, ids(70, func(r *request.Request) { r.AudioParts, r.AudioTimed, r.AudioSeconds = 1, 1, 4.5 }), Price{115, 70, 256}},
		{"audio of both", Options{AudioTokensPerSecond: 10}, ids(70, func(r *request.Request) { r.AudioParts, r.AudioTimed, r.AudioSeconds = 3, 1, 4.5 }), Price{715, 70, 256}},
		{"audio of unknown length", Options{AudioTokensPerSecond: 10}, ids(70, func(r *request.Request) { r.AudioParts = 2 }), Price{670, 70, 256}},
		{"audio at the price that it has by default", Options{}, ids(70, func(r *request.Request) { r.AudioParts = 1 }), Price{820, 70, 256}},
		{"embeddings generate nothing", Options{}, ids(70, func(r *request.Request) { r.Endpoint = wire.Embeddings }), Price{70, 70, 0}},
		{"tokenize costs nothing", Options{}, ids(70, func(r *request.Request) { r.Endpoint = wire.Tokenize }), Price{}},
		{"words beside ids", Options{}, ids(70, func(r *request.Request) { r.Words = 592 }), Price{170, 70, 256}},
		{"input that may be truncated", Options{}, ids(70, func(r *request.Request) { r.TruncateInput = 50 }), Price{70, 50, 256}},
		{"of several prompts, which may all be in one", Options{}, ids(70, func(r *request.Request) { r.TruncateInput, r.Prompts = 20, 3 }), Price{70, 20, 768}},
		{"pictures beside what may be truncated", Options{}, ids(70, func(r *request.Request) { r.TruncateInput, r.Images = 1, 2 }), Price{2118, 1, 256}},
		{"truncated, which leaves room", Options{ContextLength: 100}, ids(90, func(r *request.Request) { r.TruncateInput = 50 }), Price{90, 50, 50}},
		{"truncated to an unknown context", Options{}, ids(70, func(r *request.Request) { r.TruncateInput = -1 }), Price{70, 0, 256}},
		{"truncated to the context", Options{ContextLength: 60}, ids(70, func(r *request.Request) { r.TruncateInput, r.OutputCap = -1, 20 }), Price{60, 40, 20}},
		{"truncated to a context that leaves no room", Options{ContextLength: 60}, ids(70, func(r *request.Request) { r.TruncateInput, r.OutputCap = -1, 100 }), Price{60, 0, 60}},
		{"absurd counts do not overflow", Options{}, ids(math.MaxInt64, func(r *request.Request) {
			r.Prompts, r.Sequences, r.Images, r.AudioParts = math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64
		}), Price{priceMax, priceMax, priceMax}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := NewPricer(tt.options).Price("user", tt.request)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("price (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPriceOfHostileTexts(t *testing.T) {
	for _, text := range []string{"", strings.Repeat(" ", 1e5), strings.Repeat("\n", 1e5), strings.Repeat("a", 1e5), strings.Repeat("@#", 1e5), strings.Repeat("的", 1e5), "\xff\xfe"} {
		p := NewPricer(Options{})
		got := p.Price("user", chat(text))
		if got.InputFloor < 0 || got.Input < got.InputFloor || got.Input > int64(len(text))+40 {
			t.Errorf("%d bytes of %.5q: %+v", len(text), text, got)
		}
	}
}

// A price never promises less than the floor, whatever was learned.
func TestInputIsAtLeastTheFloor(t *testing.T) {
	p := NewPricer(Options{})
	r := chat(strings.Repeat("some words ", 500))
	for range 200 {
		p.Learn("user", r, wire.Usage{Input: 1, Output: 1}, true)
	}
	if got := p.Price("user", r); got.Input < got.InputFloor {
		t.Errorf("got %+v, want the input at least the floor", got)
	}
}

func TestUsageThatTeachesNothingOfTheInput(t *testing.T) {
	r := chat("a picture of a cat, and a question about it")
	tests := map[string]struct {
		change func(r *request.Request)
		got    wire.Usage
	}{
		"zero":      {func(*request.Request) {}, wire.Usage{}},
		"pictures":  {func(r *request.Request) { r.Images = 1 }, wire.Usage{Input: 2000}},
		"audio":     {func(r *request.Request) { r.AudioParts = 1 }, wire.Usage{Input: 2000}},
		"truncated": {func(r *request.Request) { r.TruncateInput = 8 }, wire.Usage{Input: 8}},
		"tokenize":  {func(r *request.Request) { r.Endpoint = wire.Tokenize }, wire.Usage{Input: 2000}},
		"ids only":  {func(r *request.Request) { r.TokenIDs = 2000 }, wire.Usage{Input: 2000}},
		"too few":   {func(r *request.Request) { r.TokenIDs = 2000 }, wire.Usage{Input: 1500}},
		"no text":   {func(r *request.Request) { r.Text, r.Messages = chars.Text{}, 0 }, wire.Usage{Input: 2000}},
		"no answer": {func(*request.Request) {}, wire.Usage{Output: 0}},
		"embedded":  {func(r *request.Request) { r.Endpoint = wire.Embeddings }, wire.Usage{Output: 2000}},
	}
	for name, tt := range tests {
		p := NewPricer(Options{})
		before := p.Price("user", r)
		told := *r
		tt.change(&told)
		for range 20 {
			p.Learn("user", &told, tt.got, true)
		}
		if after := p.Price("user", r); after != before {
			t.Errorf("%s: price went from %+v to %+v", name, before, after)
		}
	}
}

// TestWhatTeachesTheInput: the usage of any request that has text or messages does, with or
// without the other.
func TestWhatTeachesTheInput(t *testing.T) {
	r := chat("a question about a cat")
	for name, told := range map[string]*request.Request{
		"both":               r,
		"text of no message": {Endpoint: wire.Completions, Prompts: 1, Content: request.Content{Text: r.Text}},
		"an embedding":       {Endpoint: wire.Embeddings, Prompts: 1, Content: request.Content{Text: r.Text}},
		"messages only":      {Endpoint: wire.ChatCompletions, Prompts: 1, Content: request.Content{Messages: 1}},
	} {
		p := NewPricer(Options{})
		before := p.Price("user", told)
		for range 20 {
			p.Learn("user", told, wire.Usage{Input: 500}, true)
		}
		if after := p.Price("user", told); after.Input < 5*before.Input {
			t.Errorf("%s: after lessons of 500 tokens the price is %d, and was %d", name, after.Input, before.Input)
		}
	}
}

// Token ids beside text are exact: what is learned is the rest.
func TestTokenIDsDoNotBlurTheText(t *testing.T) {
	p := NewPricer(Options{})
	const words = 30
	for i := range int64(100) {
		r := chat(strings.Repeat("word ", words))
		r.TokenIDs = 1000 * (i % 5)
		p.Learn("user", r, wire.Usage{Input: words + r.TokenIDs}, true)
	}
	for _, n := range []int64{0, 1000, 10_000} {
		r := chat(strings.Repeat("word ", words))
		r.TokenIDs = n
		if got := p.Price("user", r).Input; got < words+n || got > words+n+words/3 {
			t.Errorf("%d ids: price %d, want about %d", n, got, words+n)
		}
	}
}

// TestCountsStayWithinBounds: whatever is multiplied, the product is neither negative nor
// beyond what can be added up.
func TestCountsStayWithinBounds(t *testing.T) {
	for _, tt := range []struct{ a, b, want int64 }{
		{0, 5, 0}, {5, 0, 0}, {0, 0, 0}, {-3, 5, 0}, {5, -3, 0}, {-3, -5, 0},
		{3, 5, 15},
		{priceMax, 1, priceMax}, {priceMax / 2, 2, priceMax}, {priceMax/2 + 1, 2, priceMax},
		{priceMax / 3, 3, priceMax / 3 * 3}, {priceMax/3 + 1, 3, priceMax},
		{math.MaxInt64, math.MaxInt64, priceMax},
	} {
		if got := times(tt.a, tt.b); got != tt.want {
			t.Errorf("%d times %d is %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
	for n, want := range map[int64]int64{-1: 0, 0: 0, 7: 7, priceMax: priceMax, priceMax + 1: priceMax} {
		if got := bounded(n); got != want {
			t.Errorf("%d counts as %d, want %d", n, got, want)
		}
	}
}

// TestContextThatIsTold: what model servers tell of the context counts where the options do
// not know it, and is news where it is not what was told before.
func TestContextThatIsTold(t *testing.T) {
	for _, tt := range []struct {
		option int64
		told   []int64
		news   []bool
		want   int64
	}{
		{0, nil, nil, 0},
		{0, []int64{0, 4096, 4096, 8192, 0}, []bool{false, true, false, true, true}, 0},
		{0, []int64{4096}, []bool{true}, 4096},
		{100, []int64{4096, 8192}, []bool{false, false}, 100},
	} {
		p := NewPricer(Options{ContextLength: tt.option})
		for i, tokens := range tt.told {
			if news := p.KnowContext(tokens); news != tt.news[i] {
				t.Errorf("%+v: %d is news: %v", tt, tokens, news)
			}
		}
		if got := p.ContextLength(); got != tt.want {
			t.Errorf("%+v: the context has %d tokens", tt, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	p := NewPricer(Options{UsersMax: 10})
	samples := texts(t)[:200]
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i, s := range samples {
				user, r := fmt.Sprint(worker, i%20), chat(s.Text)
				price := p.Price(user, r)
				p.Learn(user, r, wire.Usage{Input: inputOf(&s, "qwen3"), Output: price.Output}, true)
				p.LearnSpeed(user, r, wire.Usage{Input: price.Input, Output: 100}, 1e9)
				p.TokensAfter(user, r, price.Input, 1e9)
				p.OutputTokens(user, r.Text)
			}
		})
	}
	wg.Wait()
}

func TestPriceDoesNotAllocate(t *testing.T) {
	p, r := NewPricer(Options{}), chat("How many roads must a man walk down?")
	if n := testing.AllocsPerRun(100, func() { p.Price("user", r) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkPrice(b *testing.B) {
	p, r := NewPricer(Options{}), chat(strings.Repeat("How many roads must a man walk down? ", 20))
	for range 10 {
		p.Learn("user", r, wire.Usage{Input: 180, Output: 90}, true)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Price("user", r)
	}
}

func BenchmarkLearn(b *testing.B) {
	p, r := NewPricer(Options{}), chat(strings.Repeat("How many roads must a man walk down? ", 20))
	b.ReportAllocs()
	for b.Loop() {
		p.Learn("user", r, wire.Usage{Input: 180, Output: 90}, true)
	}
}

// BenchmarkPriceOfCrowd asks all panels.
func BenchmarkPriceOfCrowd(b *testing.B) {
	p, r := NewPricer(Options{}), chat(strings.Repeat("How many roads must a man walk down? ", 20))
	for i := range 100 * panels {
		p.Learn(fmt.Sprint(i%panels), r, wire.Usage{Input: 180, Output: 90}, true)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Price("0", r)
	}
}
