package usage

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

// features are counts of which the number of input tokens is a linear function:
// the characters of each class, indexed by class; the runs of some classes; and
// what is not of the text.
type features [featureCount]float64

const (
	runsFeature    = chars.Classes
	promptFeature  = runsFeature + len(runPriors)
	messageFeature = promptFeature + 1
	featureCount   = messageFeature + 1
)

// The priors are the tokens that one such thing is worth before anything was
// learned. They lie in the geometric middle of what tokenizers of small (32,000
// pieces: Llama 2) and large (200,000: GPT-4o) vocabularies give for ordinary
// text. For Hangul and Han these differ by a factor of more than 2.5, so that no
// prior is much nearer to both.
var charPriors = [chars.Classes]float64{
	chars.Lower:    0.10,
	chars.Upper:    0.35,
	chars.Digit:    0.55,
	chars.Punct:    0.30,
	chars.Space:    0.02,
	chars.Newline:  0.10,
	chars.Hangul:   1.15,
	chars.Han:      0.90,
	chars.Particle: 1.55,
	chars.Kana:     0.80,
	chars.Letter:   0.45,
	chars.Mark:     1.00,
	chars.Other:    1.20,
	chars.Astral:   2.40,
}

var runPriors = [...]struct {
	class chars.Class
	prior float64
}{
	{chars.Lower, 0.62}, // a word
	{chars.Upper, 0.10},
	{chars.Digit, 0.40},
	{chars.Punct, 0.55},
	{chars.Space, 0.10},
	{chars.Newline, 0.60},
	{chars.Hangul, 0.30}, // a word with its particles
	{chars.Letter, 0.40},
}

const (
	promptPrior  = 3 // special tokens, a default system message
	messagePrior = 4 // role and delimiters
)

func (x *features) ofText(t *chars.Text) {
	for c := range charPriors {
		x[c] = float64(t.Chars(chars.Class(c))) // #nosec G115 -- an index of classes
	}
	for i := range runPriors {
		x[runsFeature+i] = float64(t.Runs(runPriors[i].class))
	}
}

func (x *features) ofRequest(r *request.Request) {
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
