package usage

import (
	"math"
	"math/rand/v2"
	"slices"
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
	row := slices.Index(r.seen, 1)
	if variance := r.p[row][row]; math.Abs(r.w[1]-before) > 0.01*before || variance > r.prior[1] {
		t.Errorf("weight %.3f became %.3f with a variance of %.3f; want it kept, with at most %.3f",
			before, r.w[1], variance, r.prior[1])
	}
}

// An observation of nothing says nothing, and what is known stays known.
func TestNothingSeenTeachesNothing(t *testing.T) {
	r := newTestRegression()
	observe(r, rand.New(rand.NewPCG(1, 1)), []float64{0.3, 1.8}, 40)
	before := slices.Clone(r.w)
	r.learn([]float64{0, 0}, 1)
	if !slices.Equal(r.w, before) || len(r.seen) != 2 {
		t.Errorf("the weights %v became %v, and of %d the variance is known", before, r.w, len(r.seen))
	}
}

// What rounding has made of a covariance is forgotten where it can be none, and the weights
// are found all the same.
func TestSpoiledCovarianceIsForgotten(t *testing.T) {
	for _, spoiled := range []float64{math.NaN(), math.Inf(1), -1e9} {
		r, rng := newTestRegression(), rand.New(rand.NewPCG(1, 1))
		observe(r, rng, []float64{0.3, 1.8}, 1)
		r.p[0][0] = spoiled
		observe(r, rng, []float64{0.3, 1.8}, 40)
		checkWeights(t, r, []float64{0.3, 1.8}, 0.06)
	}
}

func TestRegressionSurvivesNonsense(t *testing.T) {
	r := newTestRegression()
	for _, y := range []float64{math.MaxFloat64, 1e300, math.SmallestNonzeroFloat64, 1} {
		for _, x := range [][]float64{{0, 0}, {1e18, 1e18}, {0, 1}} {
			r.learn(x, y)
		}
	}
	if got := dot(r.w, []float64{1, 1}); math.IsNaN(got) || math.IsInf(got, 0) || got < 0 {
		t.Errorf("predicts %v", got)
	}
}

// TestStrikesMakeAChange: the model has changed where a dozen innovations lie beyond the
// gate on one side, of which every four within it forgive one. What lies on the other side
// begins to count anew.
func TestStrikesMakeAChange(t *testing.T) {
	const above, within, below = gate + 0.1, gate - 0.1, -gate - 0.1
	type times struct {
		innovation float64
		n          int
	}
	for _, tt := range []struct {
		name    string
		before  []times
		then    float64
		strikes int // that it takes then
	}{
		{"at first", nil, above, 12},
		{"below", nil, below, 12},
		{"on the edge of the gate", nil, gate, 12},
		{"far beyond", nil, 1e9, 12},
		{"after eleven", []times{{above, 11}}, above, 1},
		{"after eleven and four within", []times{{above, 11}, {within, 4}}, above, 2},
		{"after eleven and four within, below", []times{{above, 11}, {-within, 4}}, above, 2},
		{"after some and many within", []times{{above, 11}, {within, 100}}, above, 12},
		{"after many within", []times{{within, 1000}}, below, 12},
		{"after eleven on the other side", []times{{below, 11}}, above, 12},
		{"after eleven on either", []times{{below, 11}, {above, 11}}, below, 12},
		{"after eleven on either, above", []times{{below, 11}, {above, 11}}, above, 1},
	} {
		r := newTestRegression()
		for _, b := range tt.before {
			for range b.n {
				if r.strike(b.innovation) {
					t.Errorf("%s: it has changed already", tt.name)
				}
			}
		}
		n := 1
		for n < 100 && !r.strike(tt.then) {
			n++
		}
		if n != tt.strikes {
			t.Errorf("%s: it takes %d strikes, want %d", tt.name, n, tt.strikes)
		}
	}
}

// whole is a regression that keeps and computes the whole covariance, of features
// that were never seen too.
type whole struct {
	regression
	p [][]float64
}

func (r *whole) restart() {
	r.p = make([][]float64, len(r.w))
	for i := range r.p {
		r.p[i] = make([]float64, len(r.w))
		r.p[i][i] = r.prior[i]
	}
	r.strikes = 0
}

func (r *whole) learn(x []float64, y float64) (guess float64, changed bool) {
	guess = max(dot(r.w, x), 0)
	scale := 2 / (y + guess)
	px, variance := make([]float64, len(x)), r.noise*r.noise+r.grain*scale
	for i := range x {
		px[i] = dot(r.p[i], x) * scale
		variance += px[i] * x[i] * scale
	}
	if !(variance >= r.noise*r.noise) || math.IsInf(variance, 0) {
		r.restart()
		return guess, false
	}
	innovation := (y - guess) * scale / math.Sqrt(variance)
	step := min(max(innovation, -gate), gate) / math.Sqrt(variance)
	for i := range x {
		r.w[i] = max(r.w[i]+px[i]*step, 0)
		for j := range x {
			r.p[i][j] -= px[i] * px[j] / variance
		}
		if q := r.prior[i] * drift; r.p[i][i]+q <= r.prior[i] {
			r.p[i][i] += q
		}
	}
	if changed = r.strike(innovation); changed {
		r.restart()
	}
	return guess, changed
}

// What was never seen needs no covariance, and half of a symmetric one is enough:
// the weights are those of the whole.
func TestRegressionIsThatOfTheWhole(t *testing.T) {
	weights, deviations := priors()
	r := newRegression(weights[:], deviations[:], inputNoise, inputGrain)
	w := &whole{regression: *newRegression(weights[:], deviations[:], inputNoise, inputGrain)}
	w.restart()
	rng := rand.New(rand.NewPCG(3, 4))
	changes := 0
	for n := range 6000 {
		var x features
		for i := range x { // English and Korean by turns; some features late, one never
			if i != 5 && i <= 8+n/100 && (i+n/7)%3 > 0 && rng.IntN(3) > 0 {
				x[i] = float64(rng.IntN(300))
			}
		}
		y := 1 + dot(weights[:], x[:])*(0.7+0.2*rng.NormFloat64()*rng.Float64())
		if n%1500 > 1400 {
			y *= 3 // the model changes
		}
		y = max(y, 0.5)
		guess, changed := r.learn(x[:], y)
		want, wantChanged := w.learn(x[:], y)
		if math.Abs(guess-want) > 1e-6*(1+want) || changed != wantChanged {
			t.Fatalf("observation %d: guess %v, changed %v; want %v, %v", n, guess, changed, want, wantChanged)
		}
		if changed {
			changes++
		}
	}
	checkWeights(t, r, w.w, 1e-6)
	if changes == 0 || len(r.seen) != featureCount-1 {
		t.Errorf("the model has changed %d times, and %d features were seen; this proves little", changes, len(r.seen))
	}
}
