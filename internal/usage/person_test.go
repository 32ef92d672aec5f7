package usage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestBias: differences from what the panels say that last are made good, after a dozen on
// one side; those that pass, that cancel each other out or that are small are not.
func TestBias(t *testing.T) {
	of := func(n int, differences ...float64) []float64 { return slices.Repeat(differences, n) }
	for _, tt := range []struct {
		name        string
		differences []float64
		expected    float64
		from, to    float64 // of the correction
	}{
		{"nothing learned", nil, 0.08, 0, 0},
		{"one that lasts", of(50, 1), 0.08, 0.65, 0.8},
		{"to the other side", of(50, -1), 0.08, -0.8, -0.65},
		{"one that is soon over", of(11, 1), 0.08, 0, 0},
		{"and a little later", of(14, 1), 0.08, 0.2, 0.6},
		{"long over", append(of(50, 1), of(100, 0)...), 0.08, 0, 0},
		{"after as much on the other side", append(of(50, -1), of(50, 1)...), 0.08, 0.65, 0.8},
		{"after a while without", append(of(30, 0), of(14, -1)...), 0.08, -0.6, -0.2},
		{"one that is small", of(1000, 0.19), 0.08, 0, 0},
		{"one that is to be expected", of(30, 0.9), 0.4, 0, 0.05},
		{"one that is not", of(14, 1.5), 0.4, 0.4, 0.8},
		{"now to this side, now to that", of(500, 1, -1), 0.08, 0, 0},
		{"eleven in a row, again and again", of(20, append(of(11, 1), -1)...), 0.08, 0.5, 0.65},
		{"eleven in a row, and more after one to the other side", append(of(11, 1), -1, 1, 1, 1, 1, 1), 0.08, 0, 0},
		{"one of a hundred is absurd", of(5, append(of(99, 0), 50)...), 0.08, 0, 0},
		{"all are absurd, for a moment", of(14, 50), 0.08, 0.5, 2},
	} {
		var b bias
		for _, d := range tt.differences {
			b.learn(d, tt.expected)
		}
		if got := b.correction(); got < tt.from || got > tt.to {
			t.Errorf("%s: corrected by %.3f, want from %.2f to %.2f", tt.name, got, tt.from, tt.to)
		}
	}
}

// TestNoDifferenceIsNoBias: of estimates that are right, nothing is remembered.
func TestNoDifferenceIsNoBias(t *testing.T) {
	var b bias
	for n := range 5 {
		if b.learn(0, 0.08); b != (bias{}) {
			t.Errorf("after %d: %+v", n+1, b)
		}
	}
}

// TestWhoDiffersIsPricedAsHeIs: where a user's texts have thrice as many tokens as those of
// all others, or much fewer, his prices and the estimates of his outputs are right after some
// dozens of requests, and those of the others stay what they are.
func TestWhoDiffersIsPricedAsHeIs(t *testing.T) {
	const tokens = 1000
	r := chat(strings.Repeat("somewhat ", 400))
	for _, factor := range []float64{3, 0.62} {
		p := NewPricer(Options{})
		different := int64(tokens * factor)
		for range 100 {
			for i := range panels - 1 {
				p.Learn(honest(i), r, wire.Usage{Input: tokens}, true)
			}
			p.Learn("different", r, wire.Usage{Input: different}, true)
		}
		for user, truth := range map[string]int64{honest(0): tokens, "different": different} {
			input, output := p.Price(user, r).Input, p.OutputTokens(user, r.Text)
			for what, got := range map[string]int64{"price": input, "estimate of an output": output} {
				if off := math.Abs(math.Log(float64(got) / float64(truth))); off > biasDead+0.1 {
					t.Errorf("%.2f times: the %s of %s is %d, and %d are true", factor, what, user, got, truth)
				}
			}
		}
	}
}

// TestFewLessonsAreNotBelieved: what is known of a user counts from his fifth lesson on, of
// each thing by itself.
func TestFewLessonsAreNotBelieved(t *testing.T) {
	var u person
	for n := range 2 * trusted {
		k := u.known()
		if enough := n >= trusted; k.inputs != enough || k.times != enough || (k.output > 0) != enough {
			t.Errorf("after %d lessons: %+v", n, k)
		}
		u.inputs, u.times = u.inputs+1, u.times+1
		u.lengths.learn(100, true)
	}
	for i, u := range []person{{inputs: trusted}, {times: trusted}} {
		if k := u.known(); k.inputs != (i == 0) || k.times != (i == 1) || k.output != 0 {
			t.Errorf("%s: %+v", fmt.Sprint(u), k)
		}
	}
}
