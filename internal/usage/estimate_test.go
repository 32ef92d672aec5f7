package usage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// accuracy collects how a pricer fared on requests of one kind.
type accuracy struct {
	errors []float64 // |price/truth - 1|
	under  int       // prices below the truth
}

func (a *accuracy) add(price, truth int64) {
	a.errors = append(a.errors, math.Abs(float64(price)/float64(truth)-1))
	if price < truth {
		a.under++
	}
}

func (a *accuracy) merge(o *accuracy) {
	a.errors = append(a.errors, o.errors...)
	a.under += o.under
}

func (a *accuracy) median() float64 {
	slices.Sort(a.errors)
	return a.errors[len(a.errors)/2]
}

func (a *accuracy) underShare() float64 { return float64(a.under) / float64(len(a.errors)) }

// replay prices every sample, then tells its usage, and returns the accuracy
// per kind over those that came after the first warmUp of their kind.
func replay(p *Pricer, samples []sample, tokenizer string, warmUp int) map[string]*accuracy {
	seen, byKind := make(map[string]int), make(map[string]*accuracy)
	for _, s := range samples {
		r, truth := chat(s.Text), inputOf(&s, tokenizer)
		price := p.Price("user", r)
		if seen[s.Kind]++; seen[s.Kind] > warmUp {
			if byKind[s.Kind] == nil {
				byKind[s.Kind] = new(accuracy)
			}
			byKind[s.Kind].add(price.Input, truth)
		}
		p.Learn("user", r, wire.Usage{Input: truth, Output: 1}, true)
	}
	return byKind
}

func shuffled(samples []sample, seed uint64) []sample {
	out := slices.Clone(samples)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

const (
	medianMax = 0.20
	underMax  = 0.10
	warmUp    = 200 // requests of a kind
)

// mainKinds have enough samples for a warm-up each; "mixed" ones, whose texts
// join two kinds, are in between and judged with all.
var mainKinds = []string{"korean", "chinese", "english", "code"}

func TestInputIsAccurateWhereKindsTakeTurns(t *testing.T) {
	for _, tokenizer := range tokenizers {
		byKind := replay(NewPricer(Options{}), texts(t), tokenizer, warmUp)
		checkAccuracy(t, tokenizer, byKind, medianMax, underMax)
	}
}

// The order of requests must not matter. Of one kind in one order there are few
// samples, so their shares are taken over several orders.
func TestInputIsAccurateInAnyOrder(t *testing.T) {
	for _, tokenizer := range tokenizers {
		total := make(map[string]*accuracy)
		for seed := range uint64(3) {
			for kind, a := range replay(NewPricer(Options{}), shuffled(texts(t), seed), tokenizer, warmUp) {
				if total[kind] == nil {
					total[kind] = new(accuracy)
				}
				total[kind].merge(a)
			}
		}
		checkAccuracy(t, tokenizer, total, medianMax, underMax)
	}
}

func checkAccuracy(t *testing.T, name string, byKind map[string]*accuracy, medianMax, underMax float64) {
	t.Helper()
	var all accuracy
	for _, kind := range mainKinds {
		a := byKind[kind]
		all.merge(a)
		checkOne(t, name+"/"+kind, a, medianMax, underMax)
	}
	checkOne(t, name+"/all", &all, medianMax, underMax)
}

func checkOne(t *testing.T, name string, a *accuracy, medianMax, underMax float64) {
	t.Helper()
	t.Logf("%-15s %4d requests: median error %.3f, under-estimated %.3f", name, len(a.errors), a.median(), a.underShare())
	if a.median() > medianMax || a.underShare() > underMax {
		t.Errorf("%s: median error %.3f and %.3f under-estimated, want at most %.2f and %.2f",
			name, a.median(), a.underShare(), medianMax, underMax)
	}
}

func TestFirstPricesAreWithinAFactorOfTwo(t *testing.T) {
	p := NewPricer(Options{})
	for _, s := range texts(t) {
		price := p.Price("user", chat(s.Text)).Input
		for _, tokenizer := range tokenizers {
			if truth := inputOf(&s, tokenizer); price*2 < truth || price > truth*2 {
				t.Errorf("%s, %s: price %d of %d tokens: %.40q", tokenizer, s.Kind, price, truth, s.Text)
			}
		}
	}
}

func TestOneLanguageDoesNotSpoilAnother(t *testing.T) {
	p := NewPricer(Options{})
	for range 5 {
		for _, s := range texts(t) {
			if s.Kind == "english" {
				p.Learn("user", chat(s.Text), wire.Usage{Input: inputOf(&s, "o200k")}, true)
			}
		}
	}
	for _, s := range texts(t) {
		price := p.Price("user", chat(s.Text)).Input
		if truth := inputOf(&s, "o200k"); price*2 < truth || price*10 > truth*23 {
			t.Errorf("%s: price %d of %d tokens: %.40q", s.Kind, price, truth, s.Text)
		}
	}
}

// A burst of absurd usages, as a broken model server may report, moves prices a
// little, and not for long.
func TestOutliersTeachLittle(t *testing.T) {
	for name, absurd := range map[string]func(i int, tokens int64) int64{
		"large": func(i int, tokens int64) int64 { return 50 * tokens },
		"small": func(i int, tokens int64) int64 { return 1 },
		"both":  func(i int, tokens int64) int64 { return []int64{1, 50 * tokens}[i%2] },
	} {
		t.Run(name, func(t *testing.T) { testOutliers(t, absurd) })
	}
}

func testOutliers(t *testing.T, absurd func(i int, tokens int64) int64) {
	samples := shuffled(texts(t), 7)
	p := NewPricer(Options{})
	replay(p, samples[:800], "llama3", 0)
	before := totalPrice(p, samples[800:])
	for i, s := range samples[800:810] {
		p.Learn("user", chat(s.Text), wire.Usage{Input: absurd(i, inputOf(&s, "llama3"))}, true)
	}
	if after := totalPrice(p, samples[800:]); after > before*13/10 || after < before*7/10 {
		t.Errorf("prices of %d became %d by 10 outliers, want within 30 %%", before, after)
	}
	checkOne(t, "after outliers", overall(replay(p, samples[810:], "llama3", 20)), medianMax, underMax)
}

// The model behind a name is exchanged for one with another tokenizer, which
// needs up to 2.5 times as many tokens, or as few. After 60 requests, fifteen of
// each kind, prices are nearly as good as ever.
func TestASwapOfTheModelIsLearned(t *testing.T) {
	for _, swap := range [][2]string{{"llama2", "o200k"}, {"o200k", "llama2"}} {
		samples := shuffled(texts(t), 3)
		p := NewPricer(Options{})
		replay(p, samples[:700], swap[0], 0)
		replay(p, samples[700:760], swap[1], 0)
		a := overall(replay(p, samples[760:1060], swap[1], 0))
		checkOne(t, swap[0]+" to "+swap[1], a, medianMax, 0.12)
	}
}

func overall(byKind map[string]*accuracy) *accuracy {
	all := new(accuracy)
	for _, a := range byKind {
		all.merge(a)
	}
	return all
}

func totalPrice(p *Pricer, samples []sample) (sum int64) {
	for _, s := range samples {
		sum += p.Price("user", chat(s.Text)).Input
	}
	return sum
}

func TestOutputTokensOfATextSeen(t *testing.T) {
	p := NewPricer(Options{})
	replay(p, texts(t), "qwen3", 0)
	var a accuracy
	for _, s := range texts(t) {
		if s.Tokens["qwen3"] >= 100 {
			var x chars.Text
			x.Add([]byte(s.Text))
			a.add(p.OutputTokens("user", x), s.Tokens["qwen3"])
		}
	}
	if a.median() > 0.08 {
		t.Errorf("median error %.3f, want at most 0.08", a.median())
	}
}
