package app

import (
	"runtime"
	"testing"
	"time"
)

func TestCollectorPercent(t *testing.T) {
	for live, want := range map[uint64]int{
		0:          500, // as with 4 MiB: a heap of 24 MiB
		12 << 20:   100,
		16 << 20:   50, // 8 MiB of garbage
		64 << 20:   25, // a quarter
		1024 << 20: 25,
	} {
		if got := collectorPercent(live); got != want {
			t.Errorf("with %d MiB live: %d, want %d", live>>20, got, want)
		}
	}
}

// A collection that ends while the call after the one before is still being
// made may go by, so each call is waited for over several of them.
func TestAfterEveryCollection(t *testing.T) {
	called := make(chan struct{}, 1000)
	afterCollection(func() { called <- struct{}{} })
	for i := range 3 {
		within := time.After(10 * time.Second)
		for heard := false; !heard; {
			runtime.GC()
			select {
			case <-called:
				heard = true
			case <-within:
				t.Fatalf("%d calls, and none after the next collections", i)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}
