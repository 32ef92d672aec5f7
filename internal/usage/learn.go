package usage

import (
	"math"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// Learn takes what request r of a user has really cost. complete says that the
// answer was generated to its end; what was cut off teaches the input, but not
// that outputs are short. Pictures and recordings have a declared price, so a
// request with some teaches nothing of the input; neither does one whose prompt
// may have been truncated. A usage of zero is no lesson.
func (p *Pricer) Learn(user string, r *openai.Request, got openai.Usage, complete bool) {
	if !r.Endpoint.Counts() {
		return
	}
	if p.teachesInput(r, got) {
		p.learnInput(r, float64(got.Input-r.TokenIDs))
	}
	if r.Endpoint.Generates() && got.Output > 0 {
		p.learnOutput(user, r, got.Output, complete)
	}
}

func (p *Pricer) teachesInput(r *openai.Request, got openai.Usage) bool {
	return r.Images == 0 && r.AudioParts == 0 && r.TruncateInput == 0 &&
		(r.Text.Bytes() > 0 || r.Messages > 0) && got.Input > max(r.TokenIDs, 0)
}

func (p *Pricer) learnInput(r *openai.Request, tokens float64) {
	p.learner.Lock()
	defer p.learner.Unlock()
	p.learner.learn(r, tokens)
	p.input.Store(p.learner.model())
}

// inputModel is what has been learned of the input, as Price reads it. It does
// not change once made.
type inputModel struct {
	weights features
	margins [kindCount]float64
}

// estimate returns the middle of the estimate.
func (m *inputModel) estimate(x *features) float64 {
	return dot(m.weights[:], x[:])
}

func (m *inputModel) upper(r *openai.Request) int64 {
	var x features
	x.ofRequest(r)
	tokens := m.estimate(&x)
	return rounded(raised(tokens, m.margins[kindOf(&x)]))
}

// textTokens estimates the tokens of a text that stands for itself.
func (m *inputModel) textTokens(t *openai.Text) int64 {
	var x features
	x.ofText(t)
	return min(rounded(m.estimate(&x)), t.Bytes())
}

func rounded(tokens float64) int64 {
	return int64(math.Ceil(min(tokens, priceMax)))
}

// inputLearner is the changeable side of an inputModel.
type inputLearner struct {
	*regression
	margins [kindCount]margin
}

// How far off an estimate is even when all is learned: by style, and by chance,
// which evens out with length. Measured on the test data.
const (
	inputNoise = 0.08
	inputGrain = 0.6 // tokens
)

func newInputLearner() inputLearner {
	weights, deviations := priors()
	l := inputLearner{regression: newRegression(weights[:], deviations[:], inputNoise, inputGrain)}
	l.resetMargins()
	return l
}

func (l *inputLearner) resetMargins() {
	for i := range l.margins {
		l.margins[i] = newMargin()
	}
}

func (l *inputLearner) learn(r *openai.Request, tokens float64) {
	var x features
	x.ofRequest(r)
	guess, changed := l.regression.learn(x[:], tokens)
	guess = max(guess, 1)
	l.margins[kindOf(&x)].learn(math.Log(tokens/guess) / expectedError(guess))
	if changed {
		l.resetMargins()
	}
}

func (l *inputLearner) model() *inputModel {
	m := &inputModel{weights: features(l.w)}
	for i := range l.margins {
		m.margins[i] = l.margins[i].upper()
	}
	return m
}
