package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBenchmarks(t *testing.T) {
	const output = `goos: linux
pkg: example/memory
BenchmarkReserveSettle-2   	 1000000	       114.2 ns/op	       0 B/op	       0 allocs/op
BenchmarkReserveSettle-2   	 1000000	       120 ns/op	       0 B/op	       0 allocs/op
BenchmarkReserveSettle/cold-16 	     500	      9000 ns/op	  12.00 MB/s	     128 B/op	       3 allocs/op
BenchmarkReserveSettle/one     	     500	      1.50 ns/op
BenchmarkBroken-2   	--- FAIL
PASS
ok  	example/memory	3.2s
`
	want := []*benchmark{
		{name: "BenchmarkReserveSettle", nanoseconds: []float64{114.2, 120}, allocations: []float64{0, 0}},
		{name: "BenchmarkReserveSettle/cold", nanoseconds: []float64{9000}, allocations: []float64{3}},
		{name: "BenchmarkReserveSettle/one", nanoseconds: []float64{1.5}},
	}
	if diff := cmp.Diff(want, parseBenchmarks([]byte(output)), cmp.AllowUnexported(benchmark{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
