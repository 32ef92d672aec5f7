package usage

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Whatever the distribution of errors, the margin is exceeded at the same rate.
func TestMarginIsExceededAtItsRate(t *testing.T) {
	distributions := map[string]func(*rand.Rand) float64{
		"normal":    func(r *rand.Rand) float64 { return r.NormFloat64() },
		"biased":    func(r *rand.Rand) float64 { return 3 + 0.2*r.NormFloat64() },
		"long tail": func(r *rand.Rand) float64 { return r.ExpFloat64() },
		"two kinds": func(r *rand.Rand) float64 { return float64(r.IntN(2)) + 0.1*r.NormFloat64() },
	}
	for name, draw := range distributions {
		rng := rand.New(rand.NewPCG(3, 4))
		m := newMargin()
		const n, settled = 6000, 1000
		misses := 0
		for i := range n {
			e := draw(rng)
			if i >= settled && e > m.quantile()*ripe(m.seen) {
				misses++
			}
			m.learn(e)
		}
		if rate := float64(misses) / (n - settled); rate < missRate-0.02 || rate > missRate+0.02 {
			t.Errorf("%s: exceeded by %.3f, want %.3f", name, rate, missRate)
		}
	}
}

func TestMarginNeverMuchMoreThanDoubles(t *testing.T) {
	if got := raised(1000, 1e9); got > 2020 {
		t.Errorf("1000 tokens raised to %.0f", got)
	}
	m := newMargin()
	if got := raised(1000, m.quantile()*ripe(m.seen)); got != 1000 {
		t.Errorf("raised to %.0f before anything was learned, want 1000", got)
	}
}

// TestAbsurdErrorsCountAsLargeOnes: how far an error lies beyond four spreads of the errors
// before it makes no difference.
func TestAbsurdErrorsCountAsLargeOnes(t *testing.T) {
	for _, spread := range []float64{0.2, 0.8, 3} {
		for _, sign := range []float64{1, -1} {
			large := margin{middle: 0.5, spread: spread, width: widthStart, seen: 100}
			larger, absurd, small := large, large, large
			large.learn(0.5 + sign*marginClip*spread)
			larger.learn(0.5 + sign*(marginClip+0.1)*spread)
			absurd.learn(sign * 1e9)
			small.learn(0.5 + sign*(marginClip-0.1)*spread)
			if absurd != large || larger != large || small == large {
				t.Errorf("with a spread of %v, of %v: %+v, of more %+v, of absurdly more %+v, of less %+v", spread, sign, large, larger, absurd, small)
			}
		}
	}
}

// TestMarginFollowsErrors: the first errors say nearly all, later ones as much as the many
// before them let them: after some hundreds these are forgotten.
func TestMarginFollowsErrors(t *testing.T) {
	m := newMargin()
	for _, tt := range []struct {
		errors     int
		middle     float64
		from, to   float64 // the middle
		ripe, over float64 // which part of the margin counts
	}{
		{1, 3, 0.5, 1, 0.1, 0.2},
		{doubt - 1, 3, 1.5, 2.5, 0.5, 0.5},
		{94, 3, 2.8, 3, 0.9, 0.95},
		{10, 0, 2.2, 2.7, 0.94, 0.95},
		{5000, 0, 0, 0.01, 0.99, 1},
	} {
		for range tt.errors {
			m.learn(tt.middle)
		}
		if share := ripe(m.seen); m.middle < tt.from || m.middle > tt.to || share < tt.ripe || share > tt.over {
			t.Errorf("after %v errors of %v: %+v, of which %.2f counts", tt.errors, tt.middle, m, share)
		}
	}
	if m.spread < spreadMin {
		t.Errorf("errors that are all the same have a spread of %v", m.spread)
	}
}

// TestExpectedErrors: the longer a text, the less it is off, down to what its style makes;
// of a token or less nothing is known.
func TestExpectedErrors(t *testing.T) {
	for tokens, want := range map[float64]float64{0: 0.78, 0.01: 0.78, 1: 0.78, 10: 0.26, 100: 0.11, 1000: 0.084, 1e9: 0.08} {
		if got := expectedError(tokens); math.Abs(got-want) > 0.03*want {
			t.Errorf("%v tokens: %.4f, want %v", tokens, got, want)
		}
	}
}
