package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Report is what a run of the benchmarks found.
type Report struct {
	Started  time.Time `json:"started"`
	Quick    bool      `json:"quick"`
	Go       string    `json:"go"`
	System   string    `json:"system"`
	CPUs     int       `json:"cpus"`
	Sections []Section `json:"sections"`
}

// Section is the report of one scenario.
type Section struct {
	Name   string   `json:"name"`
	Rows   []Row    `json:"rows"`
	Series []Series `json:"series,omitempty"` // what the rows were computed from
}

func newReport(quick bool) *Report {
	return &Report{
		Started: time.Now().UTC(),
		Quick:   quick,
		Go:      runtime.Version(),
		System:  runtime.GOOS + "/" + runtime.GOARCH,
		CPUs:    runtime.NumCPU(),
	}
}

// rows returns the rows of all sections.
func (r *Report) rows() []Row {
	var all []Row
	for _, s := range r.Sections {
		all = append(all, s.Rows...)
	}
	return all
}

// count returns how many rows have one of these verdicts.
func (r *Report) count(verdicts ...string) int {
	n := 0
	for _, row := range r.rows() {
		if slices.Contains(verdicts, row.Verdict()) {
			n++
		}
	}
	return n
}

// write writes the report for people: a Markdown table and how to read it.
func (r *Report) write(w io.Writer) error {
	if err := writeTable(w, r.rows()); err != nil {
		return err
	}
	if err := writeNotes(w, r.rows()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, legend, r.Go, r.System, r.CPUs)
	return err
}

const legend = `
%s, %s, %d CPUs shared by contender, load generator, model server and store.
Ratios are CPU time (user and system) of the contender's process to that of httputil.ReverseProxy
with its defaults (FlushInterval -1 for streams), each within one round; the median over rounds is
judged. The control is ReverseProxy against itself: how far it is from 1.00 is the error of the
method. p50 and p99 are latencies under closed-loop load or, for streams, the time that an event
took through the contender. Clients of streams do not ask for usage: the gateway asks the model
server for it, reads it and strips it, while the others carry events without usage. The gateway logs
as in production (info, JSON) to a file; ReverseProxy and nginx log nothing. Reserve + settle is wall
time, of which the least of many short runs is judged: what else the machine does only adds to it.
`

// save writes the report as JSON into a directory, which it makes if need be,
// and returns the file's name.
func (r *Report) save(directory string) (string, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	file := filepath.Join(directory, r.Started.Format("20060102T150405Z")+".json")
	return file, os.WriteFile(file, append(text, '\n'), 0o644)
}

// MarshalJSON adds the verdict.
func (r Row) MarshalJSON() ([]byte, error) {
	type fields Row // without this method
	return json.Marshal(struct {
		fields
		Verdict string `json:"verdict"`
	}{fields(r), r.Verdict()})
}
