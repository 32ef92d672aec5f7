package app

import (
	"errors"
	"net"
	"sync"
	"time"
)

// lazyListener accepts connections whose read deadlines are set when they matter.
type lazyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l lazyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lazyConn{Conn: c}, nil
}

// lazyConn is a connection that sets its read deadline when it reads. net/http
// and the handlers of a request set eight, of which three are in force while
// anything is read: the others are over before the next byte is asked for. Each
// would change a timer of the runtime.
type lazyConn struct {
	net.Conn

	mu      sync.Mutex
	wanted  time.Time // the read deadline, as last asked for
	set     time.Time // the one that the connection has
	reading int       // calls of Read
}

// Read implements net.Conn.
func (c *lazyConn) Read(p []byte) (int, error) {
	c.enter()
	defer c.leave()
	return c.Conn.Read(p)
}

func (c *lazyConn) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading++
	// One that cannot be set is on a connection that is closed: reading says so.
	_ = c.arm()
}

func (c *lazyConn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading--
}

// SetReadDeadline implements net.Conn. Who is reading heeds it at once.
func (c *lazyConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = t
	if c.reading == 0 {
		return nil
	}
	return c.arm()
}

// SetDeadline implements net.Conn.
func (c *lazyConn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// arm gives the connection the deadline that is wanted. The caller holds the lock.
func (c *lazyConn) arm() error {
	if c.wanted.Equal(c.set) {
		return nil
	}
	c.set = c.wanted
	return c.Conn.SetReadDeadline(c.wanted)
}

// CloseWrite ends this side of the connection. net/http does so before it closes
// one that the client may still be writing to.
func (c *lazyConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
