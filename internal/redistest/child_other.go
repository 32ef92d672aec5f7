//go:build !linux

package redistest

import "syscall"

// child is nothing special: only Linux ends a process with the one that has started it.
func child() *syscall.SysProcAttr { return nil }
