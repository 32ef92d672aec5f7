package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the roles that the harness starts as
// processes: the baseline, and a gateway that really meters.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case baselineRole:
			main()
			return
		case "serve":
			serveStandIn(os.Args[2:])
			return
		}
	}
	goleak.VerifyTestMain(m)
}
