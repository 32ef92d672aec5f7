package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapSlack is how much garbage is let gather before a collection, however
	// little is live. Without it a gateway with a few megabytes of live memory
	// collects dozens of times a second.
	heapSlack = 12 << 20
	// heapShare is the further part of the live memory that may be garbage:
	// an eighth, where Go's default is the whole.
	heapShare = 8
)

// leastHeap is Go's least heap at a GOGC of 100, which grows with GOGC: a smaller
// live heap than that must not make GOGC larger.
const leastHeap = 4 << 20

// tuneCollector makes the garbage collector run when heapSlack and a share of
// the live memory are garbage, instead of when as much is garbage as is live:
// seldom while little is live, and without doubling the memory of many open
// streams and accounts. It leaves a GOGC that is set alone.
func tuneCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	afterCollection(func() { debug.SetGCPercent(collectorPercent(liveHeap())) })
}

// collectorPercent returns the GOGC that lets the wanted garbage gather beside
// so many bytes of live memory.
func collectorPercent(live uint64) int {
	live = max(live, leastHeap)
	return int(100/heapShare + 100*heapSlack/live)
}

// liveHeap returns what the last collection found to be live, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// afterCollection calls f after each garbage collection.
func afterCollection(f func()) {
	type sentinel struct{ _ *byte }
	var again func(*sentinel)
	again = func(s *sentinel) {
		f()
		runtime.SetFinalizer(s, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}
