package main

import (
	"os/signal"
	"syscall"
)

// outliveReaders lets the process go on when whoever read its output is gone,
// such as a log collector that crashed: what is written then is lost. Without
// it, Go ends a process whose standard output or error is a broken pipe, which
// is right for commands that only print.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }

// outliveHangup lets the process go on at SIGHUP, which others take as a request
// to read their configuration again. That is not in this version: a restart does
// it.
func outliveHangup() { signal.Ignore(syscall.SIGHUP) }
