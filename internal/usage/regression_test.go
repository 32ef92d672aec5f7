package usage

import (
	"math"
	"math/rand/v2"
	"testing"
)

func newTestRegression() *regression {
	return newRegression([]float64{1, 1}, []float64{0.7, 0.7}, 0.05, 0)
}

// observe teaches n observations of weights w with an error of a few percent.
func observe(r *regression, rng *rand.Rand, w []float64, n int) {
	for range n {
		x := []float64{float64(rng.IntN(100)), float64(1 + rng.IntN(100))}
		r.learn(x, dot(w, x)*(1+0.03*rng.NormFloat64()))
	}
}

func checkWeights(t *testing.T, r *regression, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range r.w {
		if math.Abs(w-want[i]) > tolerance*want[i] {
			t.Errorf("weight %d = %.3f, want %.3f to %.0f %%", i, w, want[i], 100*tolerance)
		}
	}
}

func TestRegressionFindsTheWeights(t *testing.T) {
	r := newTestRegression()
	observe(r, rand.New(rand.NewPCG(1, 1)), []float64{0.3, 1.8}, 40)
	checkWeights(t, r, []float64{0.3, 1.8}, 0.06)
}

func TestRegressionFollowsADrift(t *testing.T) {
	r, rng := newTestRegression(), rand.New(rand.NewPCG(1, 1))
	w := []float64{0.5, 1.5}
	observe(r, rng, w, 2000)
	for range 2000 { // one weight grows by half, the other shrinks by a third
		w[0] *= 1.0002
		w[1] *= 0.9998
		observe(r, rng, w, 1)
	}
	checkWeights(t, r, w, 0.04)
}

// What is not seen for long keeps its weight, and no more than its first doubt.
func TestRegressionKeepsWhatItDoesNotSee(t *testing.T) {
	r := newTestRegression()
	observe(r, rand.New(rand.NewPCG(1, 1)), []float64{0.3, 1.8}, 100)
	before := r.w[1]
	for range 50_000 {
		r.learn([]float64{50, 0}, 15)
	}
	if math.Abs(r.w[1]-before) > 0.01*before || r.p[1][1] > r.prior[1] {
		t.Errorf("weight %.3f became %.3f with a variance of %.3f; want it kept, with at most %.3f",
			before, r.w[1], r.p[1][1], r.prior[1])
	}
}

func TestRegressionSurvivesNonsense(t *testing.T) {
	r := newTestRegression()
	for _, y := range []float64{math.MaxFloat64, 1e300, math.SmallestNonzeroFloat64, 1} {
		for _, x := range [][]float64{{0, 0}, {1e18, 1e18}, {0, 1}} {
			r.learn(x, y)
		}
	}
	if got := r.predict([]float64{1, 1}); math.IsNaN(got) || math.IsInf(got, 0) || got < 0 {
		t.Errorf("predicts %v", got)
	}
}
