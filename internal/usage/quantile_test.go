package usage

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQuantileOfFew(t *testing.T) {
	tests := []struct {
		lengths []int64
		want    int64 // before rounding up
	}{
		{nil, 0},
		{[]int64{0}, 0},
		{[]int64{7}, 7},
		{[]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 9},
		{[]int64{1, 1, 1, 1, 1000}, 1000},
		{[]int64{1 << 50}, bucketTop(bucketCount - 1)},
	}
	for _, tt := range tests {
		var q quantile
		for _, l := range tt.lengths {
			q.learn(l)
		}
		if got := q.value(); got < tt.want || float64(got) > 1.08*float64(tt.want) {
			t.Errorf("%v: got %d, want %d to 8 %%", tt.lengths, got, tt.want)
		}
	}
}

func TestBucketsAreContiguousAndNarrow(t *testing.T) {
	last := -1
	for length := int64(0); length < 1<<20; length++ {
		i := bucketOf(length)
		if i != last && i != last+1 {
			t.Fatalf("length %d: bucket %d after %d", length, i, last)
		}
		last = i
		if top := bucketTop(i); top < length || float64(top) > 1.09*float64(length)+0.5 {
			t.Fatalf("length %d: bucket %d ends at %d", length, i, top)
		}
	}
}

func TestQuantileIsThatOfTheLatest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var q quantile
	for _, mean := range []float64{100, 1500, 40} {
		lengths := make([]int64, 1000)
		for i := range lengths {
			lengths[i] = 1 + int64(mean*rng.ExpFloat64())
			q.learn(lengths[i])
		}
		slices.Sort(lengths)
		want := float64(lengths[900])
		if got := float64(q.value()); got < 0.75*want || got > 1.35*want {
			t.Errorf("mean %.0f: got %.0f, want about %.0f", mean, got, want)
		}
	}
}
