package usage

import (
	"math"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/chars"
)

// panelOf100 says that a text of 100 digits has so many tokens, with a margin, after so many
// lessons of such texts.
type panelOf100 struct {
	tokens, margin float64
	lessons        int
}

func (o panelOf100) model(kind int) *inputModel {
	m := &inputModel{}
	m.weights[chars.Digit] = o.tokens / 100
	m.margins[kind], m.lessons[kind], m.seen[kind] = o.margin, o.lessons, float64(o.lessons)
	return m
}

// TestWhoIsAsked: of a text those panels are asked that know its kind, or all if none does.
// Their median is the answer. To who has taught nothing of it himself, they are believed
// against what is known without them only where three agree, or as far as a little doubt
// lets one; without them that is what models in general say, or his own panel.
func TestWhoIsAsked(t *testing.T) {
	var x features
	x[chars.Digit] = 100
	general := naive.estimate(&x)
	at := func(panel int) known { return known{panel: panel, inputs: true} }
	for _, tt := range []struct {
		name           string
		panels         []panelOf100
		who            known
		middle, margin float64
		seen           float64
	}{
		{"nobody", nil, stranger, general, 0, 0},
		{"one, by whom he is taught", []panelOf100{{1000, 2, 5}}, at(0), 1000, 2, 5},
		{"one, by others", []panelOf100{{1000, 2, 5}}, stranger, general * inputDoubt, 0, 5},
		{"one that says less", []panelOf100{{1, -2, 5}}, stranger, general / inputDoubt, 0, 5},
		{"one that says about what is known", []panelOf100{{general * 1.2, 2, 5}}, stranger, general * 1.2, 0, 5},
		{"two that agree", []panelOf100{{1000, 2, 5}, {1100, 3, 5}}, stranger, general * inputDoubt, 0, 10},
		{"three that agree", []panelOf100{{1000, 2, 5}, {1100, 3, 5}, {1200, 4, 5}}, stranger, 1000, 2, 15},
		{"many that agree", []panelOf100{{1000, 2, 5}, {1100, 3, 5}, {1200, 4, 5}, {1300, 5, 5}, {1400, 6, 5}}, stranger, 1100, 3, 25},
		{"two others, and his own", []panelOf100{{1000, 2, 5}, {1100, 3, 5}, {500, 1, 5}}, at(2), 1000, 2, 15},
		{"one other, and his own", []panelOf100{{1000, 2, 5}, {500, 1, 5}}, at(1), 500, 1, 10},
		{"his own, and those that know the kind too little", []panelOf100{{1000, 2, 2}, {1100, 3, 2}, {500, 1, 5}}, at(2), 500, 1, 9},
		{"only those that know it too little", []panelOf100{{1000, 2, 2}, {1100, 3, 2}, {1200, 4, 2}}, stranger, 1000, 2, 6},
		{"three that know it, and his own, which does not", []panelOf100{{1000, 2, 3}, {1100, 3, 3}, {1200, 4, 3}, {500, 1, 0}}, at(3), 1000, 2, 9},
		{"one that knows it, and his own, which does not", []panelOf100{{1000, 2, 3}, {500, 1, 0}}, at(1), 500 * inputDoubt, 1, 3},
		{"his own, which he has not taught yet", []panelOf100{{1000, 2, 5}}, known{panel: 0}, general * inputDoubt, 0, 5},
	} {
		var in inputs
		for i, o := range tt.panels {
			in.models[i].Store(o.model(kindOf(&x)))
		}
		got, want := in.poll(tt.who, &x), opinion{tt.middle, tt.margin * ripe(tt.seen)}
		if math.Abs(got.middle-want.middle) > 1e-9*general || math.Abs(got.margin-want.margin) > 1e-9 {
			t.Errorf("%s: %+v, want %+v", tt.name, got, want)
		}
	}
}

// TestChangedModelHasNoMargin: where the model behind a name has been exchanged, the errors
// that the estimates had before say nothing of those to come, but who knew a kind of text
// goes on having a vote of it.
func TestChangedModelHasNoMargin(t *testing.T) {
	l := newInputLearner()
	var x features
	x[chars.Hangul], x[runsFeature], x[promptFeature], x[messageFeature] = 100, 20, 1, 1
	kind := kindOf(&x)
	for range 50 {
		l.learn(&x, 120)
	}
	before := l.model()
	for n := range strikeOut {
		if m := l.model(); m.seen[kind] != before.seen[kind]+float64(n) {
			t.Fatalf("after %d strikes, the errors of %v texts are known", n, m.seen[kind])
		}
		l.learn(&x, 120*math.Pow(3, float64(n+1))) // each more than what was learned since
	}
	m := l.model()
	if fresh := newMargin(); m.seen[kind] != 0 || m.margins[kind] != fresh.quantile() {
		t.Errorf("the errors of %v texts are known, and the margin is %v", m.seen[kind], m.margins[kind])
	}
	if !m.isExpert(kind) || m.lessons[kind] != before.lessons[kind]+strikeOut {
		t.Errorf("there were %d lessons, and %d before", m.lessons[kind], before.lessons[kind])
	}
}

// TestLessThanATokenIsOne: a text that is estimated at less than a token is charged as one,
// and where it is one the estimate was right.
func TestLessThanATokenIsOne(t *testing.T) {
	var x features
	x[chars.Digit] = 1
	kind := kindOf(&x)
	for _, estimate := range []float64{0, 0.01, 0.9, 1} {
		l := newInputLearner()
		l.w[chars.Digit] = estimate
		want := l.margins[kind]
		want.learn(0)
		if l.learn(&x, 1); l.margins[kind] != want {
			t.Errorf("estimated at %v: %+v, want %+v", estimate, l.margins[kind], want)
		}
	}
}
