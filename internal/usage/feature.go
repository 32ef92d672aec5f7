package usage

import "github.com/token-rate-limiter/token-rate-limiter/internal/openai"

// A feature is a count of which the number of input tokens is a linear
// function. Its prior is the tokens that one such thing is worth before
// anything was learned.
//
// The priors lie in the geometric middle of what tokenizers of small (32,000
// pieces: Llama 2) and large (200,000: GPT-4o) vocabularies give for ordinary
// text. For Hangul and Han these differ by a factor of more than 2.5, so that no
// prior is nearer to both.
type feature struct {
	class openai.Class
	runs  bool // counts runs, not characters
	prior float64
}

var textFeatures = [...]feature{
	{openai.Lower, false, 0.10},
	{openai.Lower, true, 0.62},
	{openai.Upper, false, 0.35},
	{openai.Upper, true, 0.10},
	{openai.Digit, false, 0.55},
	{openai.Digit, true, 0.40},
	{openai.Punct, false, 0.30},
	{openai.Punct, true, 0.55},
	{openai.Space, false, 0.02},
	{openai.Space, true, 0.10},
	{openai.Newline, false, 0.10},
	{openai.Newline, true, 0.60},
	{openai.Hangul, false, 1.05},
	{openai.Hangul, true, 0.30},
	{openai.Han, false, 0.90},
	{openai.Particle, false, 1.55},
	{openai.Kana, false, 0.80},
	{openai.Letter, false, 0.45},
	{openai.Letter, true, 0.40},
	{openai.Mark, false, 1.00},
	{openai.Other, false, 1.20},
	{openai.Astral, false, 2.40},
}

// The features that are not of the text come behind those that are.
const (
	promptFeature  = len(textFeatures) + iota // what a prompt adds: special tokens, default system message
	messageFeature                            // what a message adds: its role, its delimiters
	featureCount
)

const (
	promptPrior  = 3
	messagePrior = 4
)

// features are the counts of a request, indexed like textFeatures.
type features [featureCount]float64

func (x *features) ofText(t *openai.Text) {
	for i, f := range textFeatures {
		if f.runs {
			x[i] = float64(t.Runs(f.class))
		} else {
			x[i] = float64(t.Chars(f.class))
		}
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
	for i, f := range textFeatures {
		weights[i] = f.prior
		deviations[i] = 0.5*f.prior + 0.05
	}
	weights[promptFeature], deviations[promptFeature] = promptPrior, 12
	weights[messageFeature], deviations[messageFeature] = messagePrior, 3
	return weights, deviations
}
