//go:build unix

package httpclient

import (
	"net"
	"syscall"
)

// probe looks whether anything has come in on a connection without waiting.
// The zero value answers that nothing has.
type probe struct {
	sys   syscall.RawConn
	look  func(fd uintptr) bool // kept, because a closure per look would be allocated
	quiet bool
}

// system returns the system's side of a connection; nil where it has none.
func system(raw net.Conn) syscall.RawConn {
	s, ok := raw.(syscall.Conn)
	if !ok {
		return nil
	}
	sys, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return sys
}

func (p *probe) watch(raw net.Conn) {
	p.sys = system(raw)
	p.look = func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		p.quiet = err == syscall.EAGAIN
		return true
	}
}

// silent reports whether the connection is open and nothing has come in. A
// byte that has come in is consumed: the connection must then be closed.
func (p *probe) silent() bool {
	return p.sys == nil || p.sys.Read(p.look) == nil && p.quiet
}
