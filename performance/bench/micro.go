package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// storeBenchmark is the name that the benchmark of a store's reserve and
// settle has, in its package's tests; sub-benchmarks are reported as well.
const storeBenchmark = "BenchmarkReserveSettle"

// micro runs the stores' own benchmarks.
func (b *bench) micro(ctx context.Context) (Section, error) {
	section := Section{Name: "micro"}
	section.Rows = append(section.Rows, b.benchmarkRows(ctx, "memory store", "./internal/store/memory",
		&Bound{Budget: 300, Aim: 120}, &Bound{})...)
	if _, err := exec.LookPath("redis-server"); err != nil {
		section.Rows = append(section.Rows, Row{Path: "reserve + settle: Redis strict", Skipped: redisMissing})
	} else {
		section.Rows = append(section.Rows, b.benchmarkRows(ctx, "Redis strict", "./internal/store/redis", nil, nil)...)
	}
	return section, ctx.Err()
}

// benchmarkRows runs the benchmark of one package and returns a line for the
// time and one for the allocations of each name. The bounds apply to the
// first name.
func (b *bench) benchmarkRows(ctx context.Context, store, directory string, time, allocations *Bound) []Row {
	title := "reserve + settle: " + store
	run := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=^"+storeBenchmark+"$", "-benchmem",
		"-pgo="+profileFile, // as what is installed is built
		"-benchtime="+b.plan.BenchTime.String(), "-count="+strconv.Itoa(b.plan.BenchCount), directory)
	run.Dir = b.root
	output, err := run.CombinedOutput()
	if err != nil {
		return []Row{{Path: title, Unit: "ns", Bound: time, Failed: fmt.Sprintf("%v: %.300s", err, bytes.TrimSpace(output))}}
	}
	results := parseBenchmarks(output)
	if len(results) == 0 {
		return []Row{{Path: title, Unit: "ns", Bound: time, Skipped: "no " + storeBenchmark + " in " + directory}}
	}
	var rows []Row
	for _, r := range results {
		path := title + strings.TrimPrefix(r.name, storeBenchmark)
		rows = append(rows,
			Row{Path: path, Unit: "ns", Bound: time, Value: spreadOf(r.nanoseconds), Least: true},
			Row{Path: path + ", allocations", Unit: "allocations", Bound: allocations, Value: spreadOf(r.allocations)})
		time, allocations = nil, nil
	}
	return rows
}

// benchmark is what `go test -bench` reported under one name.
type benchmark struct {
	name        string
	nanoseconds []float64 // per operation, one of every run
	allocations []float64
}

// A line such as "BenchmarkX/warm-2   100   114.2 ns/op   0 B/op   0 allocs/op".
var benchmarkLine = regexp.MustCompile(`^(Benchmark\S*?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:.*?\s(\d+) allocs/op)?`)

// parseBenchmarks reads the output of `go test -bench`, in the order in which
// the names appear. Lines that are no results are skipped.
func parseBenchmarks(output []byte) []*benchmark {
	var all []*benchmark
	byName := make(map[string]*benchmark)
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		m := benchmarkLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		known := byName[m[1]]
		if known == nil {
			known = &benchmark{name: m[1]}
			byName[m[1]] = known
			all = append(all, known)
		}
		known.nanoseconds = appendNumber(known.nanoseconds, m[2])
		known.allocations = appendNumber(known.allocations, m[3])
	}
	return all
}

// appendNumber appends the number that text is, if it is one.
func appendNumber(dst []float64, text string) []float64 {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return append(dst, v)
	}
	return dst
}
