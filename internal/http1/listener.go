package http1

import (
	"net"
	"sync"
)

// sorter is the listener that net/http sees: what it accepts are the connections
// that are handed over.
type sorter struct {
	net.Listener
	watch  *watch
	handed chan net.Conn
	failed chan error
	closed chan struct{}
	once   sync.Once
}

// sort accepts what comes to l and serves it, and returns a listener for what is
// handed over.
func (s *Server) sort(l net.Listener, w *watch) *sorter {
	o := &sorter{Listener: l, watch: w, handed: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{})}
	go o.accept(s)
	return o
}

// accept accepts until the listener is closed. What goes wrong is told to
// net/http, which knows how long to wait before it asks again.
func (o *sorter) accept(s *Server) {
	for {
		raw, err := o.Listener.Accept()
		if err == nil {
			s.take(raw, o)
			continue
		}
		select {
		case o.failed <- err:
		case <-o.closed:
			return
		}
	}
}

// Accept implements net.Listener.
func (o *sorter) Accept() (net.Conn, error) {
	select {
	case c := <-o.handed:
		return c, nil
	case err := <-o.failed:
		return nil, err
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (o *sorter) Close() error {
	o.once.Do(func() { close(o.closed) })
	return o.Listener.Close()
}

// hand hands a connection over, of which rest has been read already.
func (o *sorter) hand(raw net.Conn, rest []byte) {
	if len(rest) > 0 {
		raw = &begun{Conn: raw, rest: rest}
	}
	select {
	case o.handed <- raw:
	case <-o.closed:
		_ = raw.Close()
	}
}

// begun is a connection of which something has been read.
type begun struct {
	net.Conn
	rest []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		b.rest = nil
	}
	return n, nil
}

// CloseWrite ends our side, which net/http wants to do before it closes a
// connection whose client is still sending: what a reset would take along.
func (b *begun) CloseWrite() error {
	if half, ok := b.Conn.(closeWriter); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// closeWriter is a connection that can end its side alone.
type closeWriter interface{ CloseWrite() error }
