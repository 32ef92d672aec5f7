//go:build unix

package descriptor

import "syscall"

// raiseLimit lets the process have as many file descriptors as it may, and returns how many; 0: it
// is not known. Go does that by itself, but not on every system.
func raiseLimit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	if raised := l; raised.Cur < raised.Max {
		raised.Cur = raised.Max
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			l = raised
		}
	}
	return uint64(l.Cur) //nolint:unconvert // int64 on some systems
}
