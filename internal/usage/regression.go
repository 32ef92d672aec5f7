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
	p     [][]float64 // covariance of w, symmetric
	prior []float64   // variance of w before anything was seen
	noise float64     // relative standard deviation of y around w·x
	grain float64     // its variance also has this part, divided by y

	strikes float64 // how many innovations lay beyond the gate, of late and on one side
	side    float64
	px      []float64 // scratch
	moved   []int     // scratch: where px is not zero
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
		p:     make([][]float64, n),
		prior: make([]float64, n),
		noise: noise,
		grain: grain,
		px:    make([]float64, n),
		moved: make([]int, 0, n),
	}
	cells := make([]float64, n*n)
	for i, d := range deviations {
		r.prior[i] = d * d
		r.p[i] = cells[i*n : (i+1)*n]
	}
	r.restart()
	return r
}

// restart forgets how sure the weights are, but not the weights.
func (r *regression) restart() {
	for i := range r.p {
		clear(r.p[i])
		r.p[i][i] = r.prior[i]
	}
	r.strikes = 0
}

// predict returns w·x.
func (r *regression) predict(x []float64) float64 { return dot(r.w, x) }

// learn corrects the weights by an observation, y > 0, and reports whether it
// found that the model has changed.
func (r *regression) learn(x []float64, y float64) (changed bool) {
	guess := max(r.predict(x), 0)
	scale := 2 / (y + guess)
	variance := r.gain(x, scale)
	if !(variance >= r.noise*r.noise) || math.IsInf(variance, 0) {
		r.restart() // rounding, or numbers beyond reason, have spoiled the covariance
		return false
	}
	innovation := (y - guess) * scale / math.Sqrt(variance)
	clipped := min(max(innovation, -gate), gate)
	r.correct(clipped/math.Sqrt(variance), variance)
	if !r.strike(innovation) {
		return false
	}
	r.restart()
	return true
}

// gain leaves P·x (scaled) in r.px and returns the variance that is expected of
// the scaled innovation.
func (r *regression) gain(x []float64, scale float64) (variance float64) {
	variance = r.noise*r.noise + r.grain*scale
	clear(r.px)
	for i, v := range x {
		if v != 0 { // most texts have few classes
			addScaled(r.px, r.p[i], v*scale)
		}
	}
	return variance + dot(r.px, x)*scale
}

// correct moves the weights along the gain and narrows their covariance. No
// weight becomes negative: nothing in a text makes it have fewer tokens. A text
// has few of the features, so most of the gain is zero and moves nothing.
func (r *regression) correct(step, variance float64) {
	r.moved = r.moved[:0]
	for i, g := range r.px {
		if g != 0 {
			r.moved = append(r.moved, i)
		}
	}
	for _, i := range r.moved {
		r.w[i] = max(r.w[i]+r.px[i]*step, 0)
		row, k := r.p[i], r.px[i]/variance
		for _, j := range r.moved {
			row[j] -= r.px[j] * k
		}
	}
	for i, row := range r.p {
		if q := r.prior[i] * drift; row[i]+q <= r.prior[i] {
			row[i] += q
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

// addScaled adds f*b to a.
func addScaled(a, b []float64, f float64) {
	b = b[:len(a)]
	for i := range a {
		a[i] += f * b[i]
	}
}
