package usage

import (
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
			if i >= settled && e > m.upper() {
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
	if got := raised(1000, m.upper()); got != 1000 {
		t.Errorf("raised to %.0f before anything was learned, want 1000", got)
	}
}
