//go:build !linux

package main

import (
	"errors"
	"time"
)

// processCPU is not available: other systems have no clock of another process.
func processCPU(int) (time.Duration, error) {
	return 0, errors.New("measuring another process's CPU time needs Linux")
}
