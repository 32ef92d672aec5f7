package main

import (
	"fmt"
	"math"
)

// Bound is what a figure is held against.
type Bound struct {
	Budget  float64 `json:"budget"`
	Aim     float64 `json:"aim"`
	AtLeast bool    `json:"atLeast,omitempty"` // the figure is to be above, not below
}

func (b Bound) met(figure float64) bool {
	if b.AtLeast {
		return figure >= b.Budget
	}
	return figure <= b.Budget
}

// Row is one line of the report.
type Row struct {
	Path        string      `json:"path"` // what was measured
	Unit        string      `json:"unit"` // "ratio", or as printed
	Bound       *Bound      `json:"bound,omitempty"`
	Informative bool        `json:"informative,omitempty"` // not judged even where it has a bound
	Value       Spread      `json:"value"`
	Least       bool        `json:"least,omitempty"` // the least is judged, not the median
	Latency     Percentiles `json:"latency"`
	Skipped     string      `json:"skipped,omitempty"`
	Failed      string      `json:"failed,omitempty"`
	Note        string      `json:"note,omitempty"`
}

// Verdicts of a row.
const (
	verdictOK          = "ok"
	verdictMissed      = "missed"
	verdictInformative = "informative"
	verdictSkipped     = "skipped"
	verdictFailed      = "failed"
)

// judged returns the figure that counts: the median or, of a time on the wall, the
// least. What else runs on the machine only adds to that, and may double it for
// seconds.
func (r Row) judged() float64 {
	if r.Least {
		return r.Value.Min
	}
	return r.Value.Median
}

// Verdict compares the figure that counts with the budget.
func (r Row) Verdict() string {
	switch {
	case r.Failed != "":
		return verdictFailed
	case r.Skipped != "":
		return verdictSkipped
	case r.Bound == nil || r.Informative:
		return verdictInformative
	case r.Bound.met(r.judged()):
		return verdictOK
	}
	return verdictMissed
}

// ratioRow compares a series with the baseline. Its bound may be nil.
func ratioRow(path string, s, baseline Series, bound *Bound) Row {
	r := s.row(path, "ratio", bound)
	r.Value = spreadOf(s.ratios(baseline))
	if r.Failed == "" && baseline.Failed != "" {
		r.Failed = "no baseline"
	}
	if stored := spreadOf(s.of(func(s Sample) float64 { return s.StoreCost })); stored.Median > 0 {
		r.Note = fmt.Sprintf("redis-server spent another %.0f us", stored.Median)
	}
	return r
}

// controlRow compares the baseline with itself, and says so if the machine was
// too busy for any ratio to be believed.
func controlRow(path string, s, baseline Series) Row {
	r := ratioRow(path, s, baseline, nil)
	if m := r.Value.Median; m > 0 && math.Abs(m-1) > 0.1 {
		r.Note = "it should be 1.00: the machine is too busy for these figures to be believed"
	}
	return r
}

// row begins a row with what is common to all that come from a series.
func (s Series) row(path, unit string, bound *Bound) Row {
	return Row{Path: path, Unit: unit, Bound: bound, Latency: s.latency(), Skipped: s.Skipped, Failed: s.Failed}
}

// costRow shows the CPU time of a series in microseconds.
func costRow(path string, s Series) Row {
	r := s.row(path, "us", nil)
	r.Value = spreadOf(s.of(cost))
	return r
}

// rateRow shows operations per second. It is informative: everything shares
// one machine.
func rateRow(path string, s Series, bound *Bound) Row {
	r := s.row(path, "/s", bound)
	r.Informative, r.Latency = true, Percentiles{}
	r.Value = spreadOf(s.of(rate))
	return r
}
