package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/openai"

// features are counts of which the number of input tokens is a linear function:
// the characters of each class, indexed by class; the runs of some classes; and
// what is not of the text.
type features [featureCount]float64

const (
	runsFeature    = openai.Classes
	promptFeature  = runsFeature + len(runPriors)
	messageFeature = promptFeature + 1
	featureCount   = messageFeature + 1
)

// The priors are the tokens that one such thing is worth before anything was
// learned. They lie in the geometric middle of what tokenizers of small (32,000
// pieces: Llama 2) and large (200,000: GPT-4o) vocabularies give for ordinary
// text. For Hangul and Han these differ by a factor of more than 2.5, so that no
// prior is much nearer to both.
var charPriors = [openai.Classes]float64{
	openai.Lower:    0.10,
	openai.Upper:    0.35,
	openai.Digit:    0.55,
	openai.Punct:    0.30,
	openai.Space:    0.02,
	openai.Newline:  0.10,
	openai.Hangul:   1.15,
	openai.Han:      0.90,
	openai.Particle: 1.55,
	openai.Kana:     0.80,
	openai.Letter:   0.45,
	openai.Mark:     1.00,
	openai.Other:    1.20,
	openai.Astral:   2.40,
}

var runPriors = [...]struct {
	class openai.Class
	prior float64
}{
	{openai.Lower, 0.62}, // a word
	{openai.Upper, 0.10},
	{openai.Digit, 0.40},
	{openai.Punct, 0.55},
	{openai.Space, 0.10},
	{openai.Newline, 0.60},
	{openai.Hangul, 0.30}, // a word with its particles
	{openai.Letter, 0.40},
}

const (
	promptPrior  = 3 // special tokens, a default system message
	messagePrior = 4 // role and delimiters
)

func (x *features) ofText(t *openai.Text) {
	for c := range charPriors {
		x[c] = float64(t.Chars(openai.Class(c))) // #nosec G115 -- an index of classes
	}
	for i := range runPriors {
		x[runsFeature+i] = float64(t.Runs(runPriors[i].class))
	}
}

func (x *features) ofRequest(r *openai.Request) {
	x.ofText(&r.Text)
	x[promptFeature] = float64(bounded(r.Prompts))
	x[messageFeature] = float64(bounded(r.Messages))
}

// priors returns the weights before anything was learned, and how far off they
// may be: the standard deviation of each.
func priors() (weights, deviations features) {
	copy(weights[:], charPriors[:])
	for i := range runPriors {
		weights[runsFeature+i] = runPriors[i].prior
	}
	for i, w := range weights {
		deviations[i] = 0.5*w + 0.05
	}
	weights[promptFeature], deviations[promptFeature] = promptPrior, 12
	weights[messageFeature], deviations[messageFeature] = messagePrior, 3
	return weights, deviations
}
