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
