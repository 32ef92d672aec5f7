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

func TestAfterEveryCollection(t *testing.T) {
	called := make(chan struct{}, 100)
	afterCollection(func() { called <- struct{}{} })
	for range 3 {
		runtime.GC()
		select {
		case <-called:
		case <-time.After(10 * time.Second):
			t.Fatal("a collection went by unnoticed")
		}
	}
}
