package usage

import "math"

// regression learns the weights w of y = w·x from a stream of (x, y), so that
// relative errors are small, and follows w where it changes.
//
// It is a Kalman filter whose state is w. Each observation is scaled by the
// size of y, which makes an error of 10 % count the same for a short and a long
// text. The state drifts a little with every observation, so that old
// ones fade; directions that nothing was seen of fade no further than to the
// prior uncertainty, so that a month of English leaves the Korean weights as
// they were. An innovation beyond gate standard deviations counts only as such:
// an absurd usage teaches a bounded amount. Where many in a row lie beyond
// the gate on the same side, the model has changed rather than the luck, and
// the uncertainty of the beginning is restored.
type regression struct {
	w     []float64
	prior []float64 // variance of w before anything was seen
	noise float64   // relative standard deviation of y around w·x
	grain float64   // its variance also has this part, divided by y

	known []bool // whether a feature was seen since the beginning, or since restart
	seen  []int  // those features, in the order in which they came
	// p is the covariance of their weights, in that order. It is symmetric, so each
	// row ends with its diagonal. The others' weights have their prior variance and
	// no covariance.
	p [][]float64

	strikes float64   // how many innovations lay beyond the gate, of late and on one side
	side    float64   // which
	x, px   []float64 // scratch of gain, in the order of seen
}

const (
	gate       = 2.5        // standard deviations
	drift      = 1.0 / 5000 // of the prior variance, per observation
	strikeOut  = 12         // innovations on one side that make a change
	strikeFade = 0.25       // of a strike, forgiven for each innovation within the gate
)

// newRegression returns a regression that begins with the given weights, each
// with a standard deviation.
func newRegression(weights, deviations []float64, noise, grain float64) *regression {
	n := len(weights)
	r := &regression{
		w:     append([]float64(nil), weights...),
		prior: make([]float64, n),
		noise: noise,
		grain: grain,
		known: make([]bool, n),
		seen:  make([]int, 0, n),
		p:     make([][]float64, n),
		x:     make([]float64, n),
		px:    make([]float64, n),
	}
	for i, d := range deviations {
		r.prior[i] = d * d
		r.p[i] = make([]float64, i+1)
	}
	return r
}

// restart forgets how sure the weights are, but not the weights.
func (r *regression) restart() {
	clear(r.known)
	r.seen = r.seen[:0]
	r.strikes = 0
}

// learn corrects the weights by an observation, y > 0. It returns what was
// predicted, and reports whether it found that the model has changed.
func (r *regression) learn(x []float64, y float64) (guess float64, changed bool) {
	guess = max(dot(r.w, x), 0)
	scale := 2 / (y + guess)
	r.meet(x)
	variance := r.gain(x, scale)
	if !(variance >= r.noise*r.noise) || math.IsInf(variance, 0) {
		r.restart() // rounding, or numbers beyond reason, have spoiled the covariance
		return guess, false
	}
	deviation := math.Sqrt(variance)
	innovation := (y - guess) * scale / deviation
	clipped := min(max(innovation, -gate), gate)
	r.correct(clipped/deviation, variance)
	if !r.strike(innovation) {
		return guess, false
	}
	r.restart()
	return guess, true
}

// meet gives a row of the covariance to each feature that is seen for the first
// time.
func (r *regression) meet(x []float64) {
	for i, known := range r.known {
		if !known && x[i] != 0 {
			row := r.p[len(r.seen)]
			clear(row)
			row[len(r.seen)] = r.prior[i]
			r.known[i], r.seen = true, append(r.seen, i)
		}
	}
}

// gain leaves P·x (scaled) in r.px and returns the variance that is expected of
// the scaled innovation.
func (r *regression) gain(x []float64, scale float64) (variance float64) {
	variance = r.noise*r.noise + r.grain*scale
	for s, i := range r.seen {
		v := x[i] * scale
		row, before, gains := r.p[s][:s], r.x[:s], r.px[:s]
		sum := r.p[s][s] * v
		for t, c := range row { // each stands for two, on both sides of the diagonal
			sum += c * before[t]
			gains[t] += c * v
		}
		r.x[s], r.px[s] = v, sum
	}
	return variance + dot(r.x[:len(r.seen)], r.px)
}

// correct moves the weights along the gain and narrows their covariance. No
// weight becomes negative: nothing in a text makes it have fewer tokens.
func (r *regression) correct(step, variance float64) {
	for s, i := range r.seen {
		g := r.px[s]
		r.w[i] = max(r.w[i]+g*step, 0)
		row := r.p[s]
		narrow(row, r.px, g/variance)
		if q := r.prior[i] * drift; row[s]+q <= r.prior[i] {
			row[s] += q
		}
	}
}

// strike keeps the account of innovations beyond the gate and reports whether
// there are too many on one side.
func (r *regression) strike(innovation float64) bool {
	switch {
	case math.Abs(innovation) < gate:
		r.strikes = max(r.strikes-strikeFade, 0)
	case innovation*r.side < 0:
		r.side, r.strikes = -r.side, 1
	default:
		r.side = math.Copysign(1, innovation)
		r.strikes++
	}
	return r.strikes >= strikeOut
}

func dot(a, b []float64) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// narrow takes f*b from a.
func narrow(a, b []float64, f float64) {
	b = b[:len(a)]
	for i := range a {
		a[i] -= f * b[i]
	}
}
