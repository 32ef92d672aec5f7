package main

import (
	"os"
	"testing"
	"time"
)

func TestProcessCPU(t *testing.T) {
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const work = 20 * time.Millisecond
	for start := time.Now(); time.Since(start) < work; {
	}
	after, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// On a busy machine the loop gets less than all of the time, never none.
	if spent := after - before; spent < work/20 || spent > 100*work {
		t.Errorf("a loop of %v spent %v of CPU time", work, spent)
	}
}

func TestProcessCPUOfOtherProcess(t *testing.T) {
	c, err := startChild(t.Context(), t.TempDir(), "sleep", "", always, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	spent, err := c.CPU()
	if err != nil || spent < 0 || spent > time.Second {
		t.Errorf("a sleeping process has spent %v, %v", spent, err)
	}
	c.Stop()
	if spent, err := c.CPU(); err == nil {
		t.Errorf("a process that has ended has spent %v, want an error", spent)
	}
}
