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

// inGo is a benchmark of a package of ours, which its tests have. Sub-benchmarks are reported as
// well; the bounds apply to the first name.
type inGo struct {
	title, name, directory string
	time, allocations      *Bound // nil: none
}

var (
	inMemory = inGo{
		title: "reserve + settle: memory store", name: "BenchmarkReserveSettle",
		directory: "./internal/store/memory",
		time:      &Bound{Budget: 300, Aim: 120}, allocations: &Bound{},
	}
	inRedis = inGo{
		title: "reserve + settle: Redis strict", name: "BenchmarkReserveSettle",
		directory: "./internal/store/redis",
	}
	ofKeys = inGo{
		title: "authenticate: one of 100,000 API keys", name: "BenchmarkAuthenticate",
		directory: "./internal/registry",
		time:      &Bound{Budget: 1000, Aim: 500}, allocations: &Bound{},
	}
	ofTokens = inGo{
		title: "authenticate: a remembered JWT of 1 KiB", name: "BenchmarkAuthenticate",
		directory: "./internal/jwt",
		time:      &Bound{Budget: 1000, Aim: 500}, allocations: &Bound{},
	}
)

// micro runs benchmarks of what a request passes.
func (b *bench) micro(ctx context.Context) (Section, error) {
	section := Section{Name: "micro", Rows: b.benchmarkRows(ctx, inMemory)}
	if _, err := exec.LookPath("redis-server"); err != nil {
		section.Rows = append(section.Rows, Row{Path: inRedis.title, Skipped: redisMissing})
	} else {
		section.Rows = append(section.Rows, b.benchmarkRows(ctx, inRedis)...)
	}
	section.Rows = append(section.Rows, b.benchmarkRows(ctx, ofKeys)...)
	section.Rows = append(section.Rows, b.benchmarkRows(ctx, ofTokens)...)
	return section, ctx.Err()
}

// benchmarkRows runs a benchmark and returns a line for the time and one for the allocations of
// each name.
func (b *bench) benchmarkRows(ctx context.Context, g inGo) []Row {
	run := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=^"+g.name+"$", "-benchmem",
		"-pgo="+profileFile, // as what is installed is built
		"-benchtime="+b.plan.BenchTime.String(), "-count="+strconv.Itoa(b.plan.BenchCount), g.directory)
	run.Dir = b.root
	output, err := run.CombinedOutput()
	if err != nil {
		return []Row{{Path: g.title, Unit: "ns", Bound: g.time, Failed: fmt.Sprintf("%v: %.300s", err, bytes.TrimSpace(output))}}
	}
	results := parseBenchmarks(output)
	if len(results) == 0 {
		return []Row{{Path: g.title, Unit: "ns", Bound: g.time, Skipped: "no " + g.name + " in " + g.directory}}
	}
	var rows []Row
	for _, r := range results {
		path := g.title + strings.TrimPrefix(r.name, g.name)
		rows = append(rows,
			Row{Path: path, Unit: "ns", Bound: g.time, Value: spreadOf(r.nanoseconds), Least: true},
			Row{Path: path + ", allocations", Unit: "allocations", Bound: g.allocations, Value: spreadOf(r.allocations)})
		g.time, g.allocations = nil, nil
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
