package http1

import (
	"net"
	"sync"
	"time"
)

// room is the places for connections of clients. The nil room has no bound.
type room struct {
	places chan struct{}
	full   func() // called while somebody waits for a place
}

// roomPause is how often, while a connection waits for a place, unused ones are closed.
const roomPause = 100 * time.Millisecond

// enter waits for a place. It reports false where closed is closed before.
func (r *room) enter(closed <-chan struct{}) bool {
	if r == nil {
		return true
	}
	for {
		select {
		case r.places <- struct{}{}:
			return true
		default:
		}
		r.full()
		select {
		case r.places <- struct{}{}:
			return true
		case <-closed:
			return false
		case <-time.After(roomPause):
		}
	}
}

// leave gives a place back.
func (r *room) leave() {
	if r != nil {
		<-r.places
	}
}

// Bound has the server let in as many connections at once as that, over all listeners;
// 0 is no bound. One more is accepted and waits, the others in the queues of the system,
// and meanwhile connections that wait for a further request are closed, a few at a time.
// full is called while some wait, and failed with errors of accepting that may pass. Call
// it once, before Serve.
func (s *Server) Bound(connections int, full func(), failed func(error)) {
	s.failed = failed
	if connections > 0 {
		s.room = &room{places: make(chan struct{}, connections), full: func() {
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
	net.Listener
	server *Server
	closed chan struct{}
	once   sync.Once
}

// bounds returns l, within the room of the server.
func (s *Server) bounds(l net.Listener) net.Listener {
	if s.room == nil {
		return l
	}
	return &bounded{Listener: l, server: s, closed: make(chan struct{})}
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

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// tellFailure tells of an error of accepting that may pass.
func (s *Server) tellFailure(err error) {
	if s.failed != nil && isTemporary(err) {
		s.failed(err)
	}
}

// counted returns raw, whose place is given back with its close. Of a stream it is one.
func (s *Server) counted(raw net.Conn) net.Conn {
	if s.room == nil {
		return raw
	}
	c := &counted{Conn: raw, room: s.room}
	if half, ok := raw.(stream); ok {
		return &countedStream{counted: c, half: half}
	}
	return c
}

type counted struct {
	net.Conn
	room *room
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.room.leave)
	return err
}

// countedStream is counted for a connection of which one side can be ended.
type countedStream struct {
	*counted
	half stream
}

// CloseWrite ends our side.
func (c *countedStream) CloseWrite() error { return c.half.CloseWrite() }
