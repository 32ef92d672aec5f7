package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// residentBytes returns the memory that the process with this id has in RAM.
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	return parseResident(status)
}

// parseResident reads the VmRSS line of a /proc/PID/status file, which counts
// in units of 1024 bytes (proc(5)), and returns bytes.
func parseResident(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		rest, found := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !found {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, fmt.Errorf("resident memory: %q is not a number of kB", line)
		}
		kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("resident memory: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("resident memory: no VmRSS line; has the process ended?")
}

// peakResident reads the resident memory of a process every 50 ms for a while
// and returns the largest value, in bytes: a single reading would depend on
// how long ago the process collected its garbage.
func peakResident(ctx context.Context, pid int, during time.Duration) (int64, error) {
	var peak int64
	for end := time.Now().Add(during); time.Now().Before(end); {
		now, err := residentBytes(pid)
		if err != nil {
			return 0, err
		}
		peak = max(peak, now)
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return peak, nil
}

// pause waits, and returns early with the context's error if that ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
