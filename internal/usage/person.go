package usage

import (
	"cmp"
	"math"
)

// person is what is known of one user.
type person struct {
	key    uint64
	used   bool  // since the clock's hand last passed
	panel  uint8 // that learns from him
	inputs uint8 // lessons of inputs, up to trusted
	times  uint8 // lessons of speed, up to trusted
	bias   bias
	lengths
}

// known is what prices must know of the user of a request. A stranger has no panel.
type known struct {
	panel  int     // that learns from him, or noPanel
	inputs bool    // he has taught that panel inputs,
	times  bool    // and speeds
	bias   float64 // logarithm by which his inputs differ from what the panels say
	output int64   // percentile of his outputs; 0: too few were seen
}

// factor returns by what the panels' estimates of his inputs are multiplied.
func (k *known) factor() float64 { return math.Exp(k.bias) }

const noPanel = -1

var stranger = known{panel: noPanel}

func (p *person) known() known {
	k := known{panel: int(p.panel), inputs: p.inputs >= trusted, times: p.times >= trusted}
	k.bias = p.bias.correction()
	if p.seen >= trusted {
		k.output = p.p90
	}
	return k
}

// bias is by which factor the inputs of a user differ, for long, from what the
// panels say: his own lessons count where all others are wrong of him, be it that
// somebody has taught them so. Small and passing differences are no bias.
type bias struct {
	log     float64
	strikes int8 // differences in a row to one side, up to biasStrikes; negative: he needs less
}

const (
	biasMax     = 2    // of a single difference; a factor of 7.4
	biasRate    = 0.01 // of a difference that may pass
	biasFast    = 0.25 // of one that lasts
	biasStrikes = strikeOut
	biasDead    = 0.2 // a factor of 1.22: that much is no bias
)

// learn takes the logarithm of truth / estimate. expected is the standard deviation
// that it is to be expected to have.
func (b *bias) learn(e, expected float64) {
	off := min(max(e-b.log, -biasMax), biasMax)
	rate := biasRate
	switch tolerance := max(biasDead, 2.5*expected); {
	case math.Abs(off) < tolerance:
		b.strikes -= int8(cmp.Compare(b.strikes, 0)) // #nosec G115 -- -1, 0 or 1
	case float64(b.strikes)*off < 0:
		b.strikes = int8(cmp.Compare(off, 0)) // #nosec G115 -- -1, 0 or 1
	default:
		step := int8(cmp.Compare(off, 0)) // #nosec G115 -- -1, 0 or 1
		b.strikes = min(max(b.strikes+step, -biasStrikes), biasStrikes)
	}
	if b.strikes == biasStrikes || b.strikes == -biasStrikes {
		rate = biasFast
	}
	b.log += rate * off
}

// correction returns the logarithm of what estimates are multiplied by.
func (b *bias) correction() float64 {
	return math.Copysign(max(math.Abs(b.log)-biasDead, 0), b.log)
}
