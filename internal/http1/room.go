package http1

import (
	"errors"
	"net"
	"sync"
	"time"
)

// room is the permits for connections of clients. The nil room has no bound.
type room struct {
	permits chan struct{}
	full    func() // called while somebody waits for a permit
}

// roomPause is how often, while a connection waits for a permit, unused ones are closed.
const roomPause = 100 * time.Millisecond

// enter waits for a permit. It reports false where closed is closed before.
func (r *room) enter(closed <-chan struct{}) bool {
	if r == nil {
		return true
	}
	for {
		select {
		case r.permits <- struct{}{}:
			return true
		default:
		}
		r.full()
		select {
		case r.permits <- struct{}{}:
			return true
		case <-closed:
			return false
		case <-time.After(roomPause):
		}
	}
}

// release gives a permit back.
func (r *room) release() {
	if r != nil {
		<-r.permits
	}
}

// Bound has the server let in as many connections at once as that, over all listeners; 0 is no
// bound. One more is accepted and waits, the others in the queues of the system, and meanwhile
// connections that wait for a further request are closed, a few at a time. full is called while
// some wait, and failed with errors of accepting that may pass. Call it once, before Serve.
func (s *Server) Bound(connections int, full func(), failed func(error)) {
	s.failed = failed
	if connections > 0 {
		s.room = &room{permits: make(chan struct{}, connections), full: func() {
			full()
			s.closeUnused()
		}}
	}
}

// unusedOnce is how many unused connections are closed at once, as nginx does it.
const unusedOnce = 32

// closeUnused closes some of the connections that wait for a further request. Clients
// expect that of servers at any time. Of net/http's own, all are.
func (s *Server) closeUnused() {
	var some []*conn
	s.mu.Lock()
	for c := range s.conns { // in no order
		if c.state.Load() == waiting {
			if some = append(some, c); len(some) == unusedOnce {
				break
			}
		}
	}
	s.mu.Unlock()
	for _, c := range some {
		c.closeWaiting()
	}
	if len(some) == 0 && !s.closing.Load() {
		s.http.SetKeepAlivesEnabled(false)
		s.http.SetKeepAlivesEnabled(true)
	}
}

// bounded is a listener for net/http, whose connections are counted here.
type bounded struct {
	closable
	server *Server
}

// bounds returns l, within the room of the server.
func (s *Server) bounds(l net.Listener) net.Listener {
	if s.room == nil {
		return l
	}
	return &bounded{closable{Listener: l, closed: make(chan struct{})}, s}
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		b.server.tellFailure(err)
		return nil, err
	}
	if !b.server.room.enter(b.closed) {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	return b.server.counted(c), nil
}

// tellFailure tells of an error of accepting that may pass.
func (s *Server) tellFailure(err error) {
	if s.failed != nil && isTemporary(err) {
		s.failed(err)
	}
}

// counted returns raw, whose permit is given back with its close.
func (s *Server) counted(raw net.Conn) net.Conn {
	if s.room == nil {
		return raw
	}
	return &counted{Conn: raw, room: s.room}
}

type counted struct {
	net.Conn
	room *room
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.room.release)
	return err
}

// CloseWrite ends our side, where that can be.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(stream); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
