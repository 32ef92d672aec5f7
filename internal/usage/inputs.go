package usage

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// inputs are what the panels have learned of inputs. They are safe for concurrent
// use; reading waits for nobody. The zero value has learned nothing.
type inputs struct {
	models [panels]atomic.Pointer[inputModel] // what Price reads; nil: nothing was learned
	mu     sync.Mutex
	panels [panels]inputLearner // guarded by mu; a zero one has learned nothing
}

const (
	// informed is how many lessons of a kind of text a panel needs to have a vote of it.
	informed = 3
	// inputDoubt is the factor of what is known without the panels within which a
	// single one may set the price of a user who has not taught inputs himself.
	inputDoubt = 1.5
)

// inputModel is what a panel has learned of the input, as Price reads it. It does
// not change once made.
type inputModel struct {
	weights features
	margins [kindCount]float64
	seen    [kindCount]float64 // errors that made the margins
	lessons [kindCount]int     // also those before the model has changed
}

// naive is what is known before anything was learned.
var naive = func() *inputModel {
	l := newInputLearner()
	return l.model()
}()

// quantileOf says which quantile of an estimate is meant.
type quantileOf uint8

const (
	middle quantileOf = iota
	upper             // that about one request in fifteen exceeds
)

// estimate returns the tokens of a text of a kind, lifted by that part of the margin.
func (m *inputModel) estimate(x *features, kind int, part float64) float64 {
	tokens := dot(m.weights[:], x[:])
	if part > 0 {
		tokens = raised(tokens, part*m.margins[kind])
	}
	return tokens
}

// learn teaches a panel.
func (in *inputs) learn(panel int, x *features, tokens float64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := &in.panels[panel]
	if l.regression == nil {
		*l = newInputLearner()
	}
	l.learn(x, tokens)
	in.models[panel].Store(l.model())
}

// poll returns what the panels say of a text together. Those that have seen its
// kind have a vote; if there are none, all that have seen anything.
func (in *inputs) poll(k known, x *features, q quantileOf) float64 {
	var experts, others jury
	kind := kindOf(x)
	part := in.part(kind, q)
	alone, acquainted := -1.0, false
	for i := range in.models {
		m := in.models[i].Load()
		if m == nil {
			continue
		}
		vote, expert := m.estimate(x, kind, part), m.lessons[kind] >= informed
		if i == k.panel && k.inputs {
			alone, acquainted = vote, expert
		}
		if expert {
			experts.add(vote)
		} else {
			others.add(vote)
		}
	}
	if experts.n == 0 {
		experts = others
	}
	if alone < 0 {
		alone = naive.estimate(x, kind, 0)
	}
	if experts.n > 0 && !acquainted {
		experts.doubt(alone, inputDoubt)
	}
	return experts.verdict(alone)
}

// part returns which part of the margins of a kind counts: that of all errors that
// the panels have seen.
func (in *inputs) part(kind int, q quantileOf) float64 {
	if q == middle {
		return 0
	}
	var seen float64
	for i := range in.models {
		if m := in.models[i].Load(); m != nil {
			seen += m.seen[kind]
		}
	}
	return ripe(seen)
}

// upper returns the estimate of the text of a request of a user, from above.
func (in *inputs) upper(k known, r *openai.Request) int64 {
	var x features
	x.ofRequest(r)
	return rounded(in.poll(k, &x, upper) * math.Exp(k.bias))
}

// textTokens estimates the tokens of a text that stands for itself.
func (in *inputs) textTokens(k known, t *openai.Text) int64 {
	var x features
	x.ofText(t)
	return min(rounded(in.poll(k, &x, middle)*math.Exp(k.bias)), t.Bytes())
}

func rounded(tokens float64) int64 {
	return int64(math.Ceil(min(tokens, priceMax)))
}
