package usage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// odd makes an attacker's i-th request, and the input that the model server tells of it.
type odd func(rng *rand.Rand, i int) (*request.Request, int64)

// letters is a text of random letters, which has about two letters to a token.
func letters(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}

// oddities are requests that teach what is not so of ordinary ones.
var oddities = map[string]odd{
	"text that is not seen": func(*rand.Rand, int) (*request.Request, int64) { return chat("hi"), 25_000 },
	"text that is not seen, in every kind": func(_ *rand.Rand, i int) (*request.Request, int64) {
		text := []string{"a few words of it", "x=[1];{y:2}", "안녕하세요", "你好吗"}[i%4]
		return chat(strings.Repeat(text, 1+i%7)), int64(200 * (1 + i%7))
	},
	"many small ones": func(_ *rand.Rand, i int) (*request.Request, int64) { return chat("a"), int64(100 + i%10) },
	"huge ones": func(rng *rand.Rand, i int) (*request.Request, int64) {
		text := strings.Repeat(letters(rng, 500), 20)
		return chat(text), int64(len(text))
	},
	"random letters": func(rng *rand.Rand, i int) (*request.Request, int64) {
		text := letters(rng, 50+rng.IntN(500))
		return chat(text), int64(len(text))
	},
	"next to nothing": func(rng *rand.Rand, i int) (*request.Request, int64) {
		return chat(strings.Repeat("some ordinary words ", 1+rng.IntN(300))), 1
	},
	"now this, now that": func(rng *rand.Rand, i int) (*request.Request, int64) {
		return chat(strings.Repeat("some ordinary words ", 1+rng.IntN(30))), []int64{1, 50_000}[i%2]
	},
	"slowly more": func(rng *rand.Rand, i int) (*request.Request, int64) {
		return chat(strings.Repeat("word ", 100)), int64(100 + 3*i)
	},
	"many messages": func(rng *rand.Rand, i int) (*request.Request, int64) {
		r := chat("a")
		r.Messages = int64(1 + rng.IntN(200))
		return r, 60 * r.Messages
	},
}

// traffic is what the honest users send, and an attacker beside them.
type traffic struct {
	honest  int // their number
	lessons int // of all of them together
	odd     odd
	odds    int // the attacker's requests for each of theirs
	names   int // under which the attacker goes; 0: one
}

// taught returns a pricer that the traffic has taught.
func (c traffic) taught(t *testing.T) *Pricer {
	p, rng := NewPricer(Options{}), rand.New(rand.NewPCG(7, 8))
	samples := shuffled(texts(t), 11)
	n := 0
	for i := range c.lessons {
		for range c.odds {
			r, input := c.odd(rng, n)
			p.Learn(fmt.Sprint("attacker ", n%max(c.names, 1)), r, wire.Usage{Input: input, Output: 1}, true)
			n++
		}
		s := &samples[i%len(samples)]
		p.Learn(honest(i%c.honest), chat(s.Text), wire.Usage{Input: inputOf(s, "llama3"), Output: 1}, true)
	}
	return p
}

func honest(i int) string { return fmt.Sprint("honest ", i) }

// prices returns the mean logarithm of price/truth of ordinary requests of a user.
func prices(t *testing.T, p *Pricer, user string) float64 {
	var sum float64
	samples := shuffled(texts(t), 12)[:200]
	for i := range samples {
		price := p.Price(user, chat(samples[i].Text)).Input
		sum += math.Log(float64(price) / float64(inputOf(&samples[i], "llama3")))
	}
	return sum / float64(len(samples))
}

const (
	// regularFactor is by how much an attacker may move the mean price of a user
	// who has sent requests of his own, strangerFactor that of one who has not.
	regularFactor  = 1.1
	strangerFactor = 1.55
)

// TestAnAttackerDoesNotSetTheInputPriceOfOthers: whatever one user sends, and be it
// nine tenths of the traffic, the prices of others stay what they are without him.
func TestAnAttackerDoesNotSetTheInputPriceOfOthers(t *testing.T) {
	for _, users := range []int{1, 2, 12} {
		without := traffic{honest: users, lessons: 261}.taught(t)
		for name, odd := range oddities {
			for _, odds := range []int{1, 9} {
				with := traffic{honest: users, lessons: 261, odd: odd, odds: odds}.taught(t)
				what := fmt.Sprintf("%s, %d to 1, %d honest users", name, odds, users)
				checkMoved(t, what, prices(t, without, honest(0)), prices(t, with, honest(0)), regularFactor)
				checkMoved(t, what+", a stranger", prices(t, without, "new"), prices(t, with, "new"), strangerFactor)
			}
		}
	}
}

// Where nobody but the attacker has sent anything, others are priced by what is
// known of models in general.
func TestAnAttackerAloneDoesNotSetTheInputPriceOfOthers(t *testing.T) {
	for name, odd := range oddities {
		p, rng := NewPricer(Options{}), rand.New(rand.NewPCG(7, 8))
		before := prices(t, p, "new")
		for i := range 261 {
			r, input := odd(rng, i)
			p.Learn("attacker", r, wire.Usage{Input: input, Output: 1}, true)
		}
		checkMoved(t, name+", a stranger", before, prices(t, p, "new"), strangerFactor)
	}
}

func checkMoved(t *testing.T, what string, without, with, most float64) {
	t.Helper()
	moved := math.Exp(with - without)
	if moved > most+1e-9 || moved < 1/most-1e-9 {
		t.Errorf("%s: the price is %.2f times what it is without the attacker, want at most %.2f or its reciprocal",
			what, moved, most)
	}
}

// outputs teaches the outputs of a user that his requests are to have.
func (c traffic) outputs(long int64) *Pricer {
	p := NewPricer(Options{})
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range c.lessons {
		for range c.odds {
			teach(p, "attacker", ids(10, nil), true, long)
		}
		teach(p, honest(i%c.honest), ids(10, nil), true, 50+rng.Int64N(300))
	}
	return p
}

// The outputs that one user gets are not what others are priced for, neither those
// who have a history nor those who have none.
func TestAnAttackerDoesNotSetTheOutputPriceOfOthers(t *testing.T) {
	price := func(p *Pricer, user string) float64 {
		return math.Log(float64(p.Price(user, ids(10, nil)).Output))
	}
	for _, long := range []int64{1, 100_000} {
		for _, odds := range []int{1, 9} {
			for _, users := range []int{1, 2, 3, 12} {
				c := traffic{honest: users, lessons: 240}
				without := c.outputs(long)
				c.odds = odds
				with := c.outputs(long)
				what := fmt.Sprintf("outputs of %d, %d to 1, %d honest users", long, odds, users)
				checkMoved(t, what, price(without, honest(0)), price(with, honest(0)), 1)
				checkMoved(t, what+", a stranger", price(without, "new"), price(with, "new"), 1.6)
			}
		}
		p := NewPricer(Options{})
		before := price(p, "new")
		teach(p, "attacker", ids(10, nil), true, slices.Repeat([]int64{long}, 300)...)
		checkMoved(t, fmt.Sprintf("outputs of %d, nobody else, a stranger", long), before, price(p, "new"), outputDoubt)
	}
}

// What one user's answers take does not say what an abandoned one of another costs.
func TestAnAttackerDoesNotSetWhatAnAbandonedAnswerCosts(t *testing.T) {
	after := func(p *Pricer, user string) float64 {
		return math.Log(float64(p.TokensAfter(user, ids(500, nil), 500, 10*time.Second)))
	}
	for name, lie := range map[string]struct {
		output int64
		took   time.Duration
	}{
		"all at once": {100_000, time.Millisecond}, "one that takes for ever": {1, time.Hour},
	} {
		for _, odds := range []int{1, 9} {
			for _, users := range []int{1, 2, 3, 12} {
				what := fmt.Sprintf("%s, %d to 1, %d honest users", name, odds, users)
				taught := func(odds int) *Pricer {
					p := NewPricer(Options{})
					e := engine{first: 0.1, perInput: 1e-4, perOutput: 0.02, rng: rand.New(rand.NewPCG(5, 6))}
					for i := range 240 {
						for range odds {
							p.LearnSpeed("attacker", ids(10, nil), wire.Usage{Input: 10, Output: lie.output}, lie.took)
						}
						e.teach(p, honest(i%users), 1)
					}
					return p
				}
				without, with := taught(0), taught(odds)
				checkMoved(t, what, after(without, honest(0)), after(with, honest(0)), 1.1)
				checkMoved(t, what+", a stranger", after(without, "new"), after(with, "new"), speedDoubt)
			}
		}
	}
}

// Names cost nothing where a caller may name users. They make a majority of those
// who are asked for a stranger's price, but not of what a user has taught himself.
func TestManyNamesDoNotSetThePriceOfWhoHasTaughtHisOwn(t *testing.T) {
	without := traffic{honest: 3, lessons: 261}.taught(t)
	for name, odd := range oddities {
		with := traffic{honest: 3, lessons: 261, odd: odd, odds: 9, names: 50_000}.taught(t)
		checkMoved(t, name, prices(t, without, honest(0)), prices(t, with, honest(0)), 3)
		if n := len(with.users.users); n > 10_000 {
			t.Errorf("%s: %d users are kept", name, n)
		}
	}
}

// crowdUnderMax is for those who have sent a handful of requests: what others teach
// moves their prices only as far as these agree.
const crowdUnderMax = 0.13

// Of a crowd, in which nobody has sent much, prices are learned as fast as of one
// user, and nearly as well.
func TestCrowdsTeachAsOneUserDoes(t *testing.T) {
	for users, underMax := range map[int]float64{2: underMax, 8: underMax, 40: underMax, 400: crowdUnderMax} {
		for _, tokenizer := range tokenizers {
			byKind := make(map[string]*accuracy)
			for order := range uint64(3) {
				replayCrowd(t, byKind, users, tokenizer, order)
			}
			for _, kind := range mainKinds {
				checkOne(t, fmt.Sprint(users, " users/", tokenizer, "/", kind), byKind[kind], medianMax, underMax)
			}
		}
	}
}

// replayCrowd is replay for users who take turns.
func replayCrowd(t *testing.T, byKind map[string]*accuracy, users int, tokenizer string, order uint64) {
	p, seen := NewPricer(Options{}), make(map[string]int)
	for i, s := range shuffled(texts(t), order) {
		r, truth, user := chat(s.Text), inputOf(&s, tokenizer), fmt.Sprint(i%users)
		price := p.Price(user, r)
		if byKind[s.Kind] == nil {
			byKind[s.Kind] = new(accuracy)
		}
		if seen[s.Kind]++; seen[s.Kind] > warmUp {
			byKind[s.Kind].add(price.Input, truth)
		}
		p.Learn(user, r, wire.Usage{Input: truth, Output: 1}, true)
	}
}
