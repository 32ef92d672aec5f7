//go:build !linux

package http1

// watch is there on Linux only.
type watch struct{}

func newWatch() *watch { return nil }

func (*watch) add(*conn) bool { return false }
func (*watch) remove(*conn)   {}
func (*watch) close()         {}
