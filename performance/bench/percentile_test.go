package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentilesOf(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		name string
		all  []time.Duration
		want Percentiles
	}{
		{"none", nil, Percentiles{}},
		{"one", []time.Duration{7}, Percentiles{7, 7, 7}},
		{"two", []time.Duration{9, 1}, Percentiles{1, 9, 9}},
		{"hundred, unsorted", hundred, Percentiles{50, 90, 99}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, percentilesOf(c.all)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMedianPercentiles(t *testing.T) {
	got := medianPercentiles([]Percentiles{{1, 20, 300}, {3, 10, 100}, {2, 30, 200}})
	if diff := cmp.Diff(Percentiles{2, 20, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{3, 1}, Spread{2, 1, 3}},
		{[]float64{5, 1, 2}, Spread{2, 1, 5}},
	} {
		before := slices.Clone(c.values)
		if diff := cmp.Diff(c.want, spreadOf(c.values)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.values, diff)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("%v was reordered to %v: rounds would be mixed up", before, c.values)
		}
	}
}
