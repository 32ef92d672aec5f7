// Package descriptor knows how many file descriptors there are, and tells where they are too few.
package descriptor

import (
	"errors"
	"syscall"
)

// ownDescriptors is how many file descriptors are kept for what is neither a client's connection
// nor one to a model server: listeners, Redis, the log, files that are read, operators.
const ownDescriptors = 32

// connectionsMax returns how many connections of clients may be open with so many file descriptors;
// 0: it is not known. They get half: each may need a connection to a model server.
func connectionsMax(descriptors uint64) int {
	if descriptors == 0 {
		return 0
	}
	const most = 1 << 30
	left := min(descriptors, most) - min(descriptors, ownDescriptors)
	return int(max(1, left/2)) // #nosec G115 -- at most 1 << 30
}

// Exhausted reports whether err is that the process, or the system, has no file descriptor left.
func Exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
