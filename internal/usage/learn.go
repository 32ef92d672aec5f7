package usage

import (
	"math"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// Learn takes what request r of a user has really cost. complete says that the
// answer was generated to its end; what was cut off teaches the input, but not
// that outputs are short. Pictures and recordings have a declared price, so a
// request with some teaches nothing of the input; neither does one whose prompt
// may have been truncated. A usage of zero is no lesson.
//
// Of what a user teaches, he is priced himself; others only as far as those agree
// who are taught by others: see [jury].
func (p *Pricer) Learn(user string, r *request.Request, got wire.Usage, complete bool) {
	if !r.Endpoint.Counts() {
		return
	}
	if p.teachesInput(r, got) {
		p.learnInput(user, r, float64(got.Input-r.TokenIDs))
	}
	if r.Endpoint.Generates() && got.Output > 0 {
		p.learnOutput(user, r, got.Output, complete)
	}
}

func (p *Pricer) teachesInput(r *request.Request, got wire.Usage) bool {
	return r.Images == 0 && r.AudioParts == 0 && r.TruncateInput == 0 &&
		(r.Text.Bytes() > 0 || r.Messages > 0) && got.Input > max(r.TokenIDs, 0)
}

func (p *Pricer) learnInput(user string, r *request.Request, tokens float64) {
	k := p.users.join(user)
	var x features
	x.ofRequest(r)
	guess := max(p.input.poll(k, &x).middle, 1)
	p.input.learn(k.panel, &x, tokens)
	p.users.change(user, func(u *person) {
		u.inputs = min(u.inputs+1, trusted)
		u.bias.learn(math.Log(tokens/guess), expectedError(guess))
	})
}

// inputLearner is the changeable side of an inputModel.
type inputLearner struct {
	*regression
	margins [kindCount]margin
	lessons [kindCount]int
}

// How far off an estimate is even when all is learned: by style, and by chance,
// which evens out with length. Measured on the test data.
const (
	inputNoise = 0.08
	inputGrain = 0.6 // tokens
)

func newInputLearner() *inputLearner {
	weights, deviations := priors()
	l := &inputLearner{regression: newRegression(weights[:], deviations[:], inputNoise, inputGrain)}
	l.resetMargins()
	return l
}

func (l *inputLearner) resetMargins() {
	for i := range l.margins {
		l.margins[i] = newMargin()
	}
}

func (l *inputLearner) learn(x *features, tokens float64) {
	kind := kindOf(x)
	l.lessons[kind]++
	guess, changed := l.regression.learn(x[:], tokens)
	guess = max(guess, 1)
	l.margins[kind].learn(math.Log(tokens/guess) / expectedError(guess))
	if changed {
		l.resetMargins()
	}
}

func (l *inputLearner) model() *inputModel {
	m := &inputModel{weights: features(l.w), lessons: l.lessons}
	for i := range l.margins {
		m.margins[i], m.seen[i] = l.margins[i].quantile(), l.margins[i].seen
	}
	return m
}
