package usage

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// inputs are what the panels have learned of inputs. They are safe for concurrent
// use; reading waits for nobody. The zero value has learned nothing.
type inputs struct {
	models [panels]atomic.Pointer[inputModel] // what Price reads; nil: nothing was learned
	mu     sync.Mutex
	panels [panels]*inputLearner // guarded by mu; nil: nothing was learned
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
var naive = newInputLearner().model()

// estimate returns the middle of the estimate of a text.
func (m *inputModel) estimate(x *features) float64 { return dot(m.weights[:], x[:]) }

func (in *inputs) learn(panel int, x *features, tokens float64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.panels[panel] == nil {
		in.panels[panel] = newInputLearner()
	}
	l := in.panels[panel]
	l.learn(x, tokens)
	in.models[panel].Store(l.model())
}

// opinion is what is said of a text: the middle of the estimate, and the margin that
// lifts it.
type opinion struct{ middle, margin float64 }

// poll returns what the panels say of a text together. Those that have seen its
// kind have a vote; if there are none, all that have seen anything.
func (in *inputs) poll(k known, x *features) opinion {
	kind := kindOf(x)
	var models [panels]*inputModel
	var seen float64
	experts := false
	for i := range in.models {
		if m := in.models[i].Load(); m != nil {
			models[i] = m
			seen += m.seen[kind]
			experts = experts || m.isExpert(kind)
		}
	}
	var middles, margins jury
	alone, voted, acquainted := opinion{}, false, false
	for i, m := range models {
		if m == nil {
			continue
		}
		vote, expert := opinion{m.estimate(x), m.margins[kind]}, m.isExpert(kind)
		if i == k.panel && k.inputs {
			alone, voted, acquainted = vote, true, expert
		}
		if expert || !experts {
			middles.add(vote.middle)
			margins.add(vote.margin)
		}
	}
	if !voted {
		alone = opinion{middle: naive.estimate(x)}
	}
	if !acquainted {
		middles.doubt(alone.middle, inputDoubt)
		margins.doubt(alone.margin, 1)
	}
	return opinion{middles.verdict(alone.middle), margins.verdict(alone.margin) * ripe(seen)}
}

func (m *inputModel) isExpert(kind int) bool { return m.lessons[kind] >= informed }

// upper returns the estimate of the text of a request of a user, from above.
func (in *inputs) upper(k known, r *request.Request) int64 {
	var x features
	x.ofRequest(r)
	o := in.poll(k, &x)
	return rounded(raised(o.middle, o.margin) * k.factor())
}

// textTokens estimates the tokens of a text that stands for itself.
func (in *inputs) textTokens(k known, t *chars.Text) int64 {
	var x features
	x.ofText(t)
	return min(rounded(in.poll(k, &x).middle*k.factor()), t.Bytes())
}

func rounded(tokens float64) int64 {
	return int64(math.Ceil(min(tokens, priceMax)))
}
