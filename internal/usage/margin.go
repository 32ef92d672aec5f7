package usage

import "math"

// margin is what separates the middle of an estimate from its upper quantile,
// for one kind of text. It is in units of the error that is to be expected for
// the size of a text (see expectedError); errors are ln(truth/estimate).
//
// The middle and the spread of the errors are running means. How many spreads
// the quantile lies above the middle is not assumed but steered: each miss
// raises it, each hit lowers it a little, in the proportion that balances at
// missRate. Whatever the distribution, the share of misses therefore tends to
// missRate (the idea of adaptive conformal inference, Gibbs and Candès 2021).
type margin struct {
	middle, spread, width float64
	seen                  float64
}

const (
	missRate   = 0.07
	marginRate = 0.02 // weight of the newest error in the running means
	marginClip = 4    // spreads; an error beyond counts as such
	widthStart = 1.8
	widthStep  = 0.35 // by which a miss raises the width
	widthMax   = 4
	spreadMin  = 0.1
	marginMax  = 0.7 // never double the estimate
	doubt      = 6   // errors until the margin counts half of what it says
)

func newMargin() margin { return margin{spread: 0.8, width: widthStart} }

// ripe returns which part of a margin counts after so many errors. With few seen
// it stays near 0.
func ripe(seen float64) float64 { return seen / (seen + doubt) }

func (m *margin) quantile() float64 { return m.middle + m.width*m.spread }

// learn takes the error of an estimate in units of the expected one.
func (m *margin) learn(e float64) {
	if e > m.quantile() {
		m.width = min(m.width+widthStep*(1-missRate), widthMax)
	} else {
		m.width = max(m.width-widthStep*missRate, 0)
	}
	m.seen = min(m.seen+1, 1000)
	rate := max(marginRate, 1/(m.seen+4))
	limit := marginClip * m.spread
	off := min(max(e-m.middle, -limit), limit)
	m.middle += rate * off
	m.spread = max(m.spread+rate*(math.Abs(off)-m.spread), spreadMin)
}

// expectedError returns the standard deviation of ln(truth/estimate) that a text
// of about so many tokens is to be expected to have: the errors of its parts
// cancel out as it grows, down to what its style makes.
func expectedError(tokens float64) float64 {
	return math.Sqrt(inputNoise*inputNoise + inputGrain/max(tokens, 1))
}

// raised returns an estimate lifted by a margin.
func raised(tokens, margin float64) float64 {
	return tokens * math.Exp(min(margin*expectedError(tokens), marginMax))
}
