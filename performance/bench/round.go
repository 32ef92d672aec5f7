package main

import (
	"context"
	"fmt"
	"time"
)

// contender is one of those that are compared in a scenario.
type contender struct {
	name     string
	child    *Child // nil: skipped
	store    *Child // the store's process, where it has one
	gateway  bool   // limits and meters, so that the probes ask for it
	profiled bool   // on request, after the rounds
	skipped  string // why it takes no part
	failed   string // what the probe found wrong
}

// cpu returns the CPU time spent so far by the contender and by its store.
func (c contender) cpu() (own, store time.Duration, err error) {
	if own, err = c.child.CPU(); err != nil {
		return 0, 0, err
	}
	if c.store != nil {
		store, err = c.store.CPU()
	}
	return own, store, err
}

// probe looks whether the contender does what it should. One that does not is
// out of the race, and says why.
func (c *contender) probe(look func(contender) error) {
	if c.skipped != "" {
		return
	}
	if err := look(*c); err != nil {
		c.failed = err.Error()
	}
}

// Sample is what one contender did in one round. An operation is a request,
// or an event of a stream.
type Sample struct {
	Cost      float64     `json:"cpuMicrosecondsPerOperation"`
	StoreCost float64     `json:"storeCPUMicrosecondsPerOperation,omitempty"`
	Rate      float64     `json:"operationsPerSecond"`
	Latency   Percentiles `json:"latency"`
}

// Series is what one contender did in all rounds of a scenario.
type Series struct {
	Name    string   `json:"name"`
	Samples []Sample `json:"samples,omitempty"`
	Skipped string   `json:"skipped,omitempty"`
	Failed  string   `json:"failed,omitempty"` // what went wrong; there are no samples then
}

// measured measures one contender once.
type measured func(context.Context, contender) (Sample, error)

// interleave lets the contenders take turns for a number of rounds. One that
// fails takes no further part and has no samples; only the end of the context
// ends it all.
func interleave(ctx context.Context, contenders []contender, rounds int, measure measured) ([]Series, error) {
	all := make([]Series, len(contenders))
	for i, c := range contenders {
		all[i] = Series{Name: c.name, Skipped: c.skipped, Failed: c.failed}
	}
	for range rounds {
		for i, c := range contenders {
			s := &all[i]
			if s.Skipped != "" || s.Failed != "" {
				continue
			}
			sample, err := measure(ctx, c)
			if err != nil {
				s.Failed, s.Samples = err.Error(), nil
				continue
			}
			s.Samples = append(s.Samples, sample)
		}
		// What failed because of the interrupt is of no account, nor are
		// probes that did.
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return all, nil
}

// costed runs work and returns the CPU time per operation that it cost the
// contender; work returns how many operations it was.
func costed(c contender, work func() (operations int, err error)) (Sample, error) {
	own, store, err := c.cpu()
	if err != nil {
		return Sample{}, err
	}
	start := time.Now()
	operations, err := work()
	if err != nil {
		return Sample{}, err
	}
	elapsed := time.Since(start)
	ownAfter, storeAfter, err := c.cpu()
	if err != nil {
		return Sample{}, err
	}
	if operations == 0 {
		return Sample{}, fmt.Errorf("%s: nothing happened", c.name)
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(operations) }
	return Sample{
		Cost:      per(ownAfter - own),
		StoreCost: per(storeAfter - store),
		Rate:      float64(operations) / elapsed.Seconds(),
	}, nil
}

// of returns one figure of every sample.
func (s Series) of(figure func(Sample) float64) []float64 {
	var all []float64
	for _, sample := range s.Samples {
		all = append(all, figure(sample))
	}
	return all
}

// ratios returns, round by round, the cost as a multiple of the baseline's in
// the same round. It is empty if either has failed.
func (s Series) ratios(baseline Series) []float64 {
	var all []float64
	for i := range min(len(s.Samples), len(baseline.Samples)) {
		all = append(all, s.Samples[i].Cost/baseline.Samples[i].Cost)
	}
	return all
}

func (s Series) latency() Percentiles {
	var all []Percentiles
	for _, sample := range s.Samples {
		all = append(all, sample.Latency)
	}
	return medianPercentiles(all)
}

func cost(s Sample) float64 { return s.Cost }
func rate(s Sample) float64 { return s.Rate }
