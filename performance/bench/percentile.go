package main

import (
	"math"
	"slices"
	"time"
)

// Percentiles describes a set of durations. The zero value describes none.
type Percentiles struct {
	P50 time.Duration `json:"p50Nanoseconds"`
	P90 time.Duration `json:"p90Nanoseconds"`
	P99 time.Duration `json:"p99Nanoseconds"`
}

// percentilesOf sorts all in place and describes it, by the nearest-rank
// definition: a percentile is a duration that was measured.
func percentilesOf(all []time.Duration) Percentiles {
	if len(all) == 0 {
		return Percentiles{}
	}
	slices.Sort(all)
	rank := func(p float64) time.Duration {
		return all[max(0, int(math.Ceil(p*float64(len(all))))-1)]
	}
	return Percentiles{P50: rank(0.50), P90: rank(0.90), P99: rank(0.99)}
}

// medianPercentiles returns the median over rounds of each percentile.
func medianPercentiles(rounds []Percentiles) Percentiles {
	middle := func(of func(Percentiles) time.Duration) time.Duration {
		var all []float64
		for _, p := range rounds {
			all = append(all, float64(of(p)))
		}
		return time.Duration(spreadOf(all).Median)
	}
	return Percentiles{
		P50: middle(func(p Percentiles) time.Duration { return p.P50 }),
		P90: middle(func(p Percentiles) time.Duration { return p.P90 }),
		P99: middle(func(p Percentiles) time.Duration { return p.P99 }),
	}
}

// Spread is a figure that was measured in several rounds. The zero value is
// one that was not measured.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf describes the values of the rounds, which it leaves in place. The
// median of an even number is the mean of the middle two.
func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}
