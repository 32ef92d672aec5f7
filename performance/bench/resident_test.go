package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseResident(t *testing.T) {
	for _, c := range []struct {
		name, status string
		want         int64
		fails        bool
	}{
		{"usual", "Name:\tx\nVmPeak:\t  999 kB\nVmRSS:\t   2048 kB\nThreads:\t1\n", 2 << 20, false},
		{"last line without end", "VmRSS: 1 kB", 1024, false},
		{"another name", "XVmRSS: 1 kB\n", 0, true},
		{"zombie has no memory", "Name:\tx\nState:\tZ (zombie)\n", 0, true},
		{"another unit", "VmRSS:\t1 MB\n", 0, true},
		{"no number", "VmRSS:\tx kB\n", 0, true},
		{"no value", "VmRSS:\n", 0, true},
		{"empty", "", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseResident([]byte(c.status))
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("got %d, %v; want %d, error %t", got, err, c.want, c.fails)
			}
		})
	}
}

func TestPeakResident(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no /proc")
	}
	if got, err := peakResident(t.Context(), os.Getpid(), time.Millisecond); err != nil || got < 1<<20 {
		t.Errorf("this process has %d bytes, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := peakResident(ended, os.Getpid(), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
