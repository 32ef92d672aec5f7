package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapGoal is how large the heap may grow, however little of it is live. Without it a gateway
	// with a few megabytes of live memory collects dozens of times a second.
	heapGoal = 24 << 20
	// garbageMin is how much garbage is let gather at the least, and garbageShare the part of the
	// live memory that it may be where that is more: a quarter, where Go's default is the whole.
	garbageMin   = 8 << 20
	garbageShare = 4
	// heapMin is Go's least heap at a GOGC of 100, which grows with GOGC: a
	// smaller live heap than that must not make GOGC larger.
	heapMin = 4 << 20
)

// tuneCollector makes the garbage collector run seldom while little is live, and
// without doubling the memory of many open streams and accounts: see
// collectorPercent. It leaves a GOGC that is set alone.
func tuneCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	afterCollection(func() { debug.SetGCPercent(collectorPercent(liveHeap())) })
}

// collectorPercent returns the GOGC with which the wanted garbage gathers beside live bytes.
func collectorPercent(live uint64) int {
	live = max(live, heapMin)
	garbage := max(garbageMin, live/garbageShare)
	if live < heapGoal {
		garbage = max(garbage, heapGoal-live)
	}
	return int(100 * garbage / live) // #nosec G115 -- a percentage; live is heapMin at least
}

// liveHeap returns what the last collection found to be live, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// afterCollection calls f after each garbage collection that does not end while f is called.
func afterCollection(f func()) {
	type sentinel struct{ _ *byte }
	var again func(*sentinel)
	again = func(s *sentinel) {
		f()
		runtime.SetFinalizer(s, again)
	}
	runtime.SetFinalizer(&sentinel{}, again)
}
