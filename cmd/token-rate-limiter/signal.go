package main

import (
	"os"
	"os/signal"
	"syscall"
)

// outliveReaders lets the process go on when whoever read its output is gone, such as a log
// collector that crashed: what is written then is lost. Without it, Go ends a process whose
// standard output or error is a broken pipe, which is right for commands that only print.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }

// outliveHangup lets the process go on at SIGHUP, and returns what tells of it.
// Several that come before it is asked are one.
func outliveHangup() <-chan os.Signal {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups
}

// onSignals calls the steps, one at each SIGINT or SIGTERM, in order; signals
// after the last change nothing. stop ends that.
func onSignals(steps ...func()) (stop func()) {
	signals := make(chan os.Signal, len(steps))
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			if len(steps) > 0 {
				steps[0]()
				steps = steps[1:]
			}
		}
	}()
	return func() {
		signal.Stop(signals) // nothing is sent after it
		close(signals)
	}
}
