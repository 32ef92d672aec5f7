package httpclient

import (
	"net"
	"syscall"
)

// acks makes the system acknowledge less often what comes in on a connection.
//
// Linux acknowledges a small packet as soon as it has been read, unless it takes the connection for
// an interactive one. Then it does so for every other packet, or after 40 ms, whichever is first;
// in the second case it has been wrong, and goes back to the former (TCP_QUICKACK in tcp(7);
// __tcp_cleanup_rbuf and tcp_delack_timer_handler in net/ipv4). On a stream each event is such a
// packet, and to send an acknowledgement costs half as much as to send an event.
//
// The zero value does nothing.
type acks struct {
	sys  syscall.RawConn
	less func(fd uintptr) // kept, because a closure per call would be allocated
}

func (a *acks) watch(raw net.Conn) {
	a.sys = system(raw)
	a.less = func(fd uintptr) {
		// Where it does not work, nothing is lost but time.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0)
	}
}

// spare takes the connection for an interactive one, until the system knows better.
func (a *acks) spare() {
	if a.sys != nil {
		_ = a.sys.Control(a.less)
	}
}
