package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// What a connection is doing.
const (
	fresh   int32 = iota // waits for its first request
	waiting              // for a further one
	serving
	closed // while it waited
)

// conn is a connection of a client. It belongs to the goroutine that serves it,
// but for what others may call: gone, closeIdle and cut.
type conn struct {
	*net.TCPConn
	server *Server
	sorter *sorter
	remote string
	in     input
	until  time.Time // the read deadline, as set; zero: none
	// writeUntil is the write deadline, as set; zero: none.
	writeUntil time.Time
	state      atomic.Int32
	number     uint64 // of the watch
	handed     bool   // over to net/http

	head     head
	body     body
	response response

	mu     sync.Mutex
	left   bool               // the client
	cancel context.CancelFunc // of the request that is served; nil: none
}

// take serves a connection in a goroutine of its own. It has to be one of TCP
// itself: of another, what is read and written may be somebody's business.
func (s *Server) take(raw net.Conn, o *sorter) {
	tcp, ok := raw.(*net.TCPConn)
	if !ok {
		go o.hand(s.counted(raw), "")
		return
	}
	c := &conn{TCPConn: tcp, server: s, sorter: o, remote: tcp.RemoteAddr().String()}
	switch {
	case !s.keep(c):
		_ = tcp.Close()
		s.room.release()
	case !o.watch.add(c):
		s.drop(c)
		go o.hand(s.begun(tcp, nil), "")
	default:
		go c.serve()
	}
}

// serve answers one request after the other.
func (c *conn) serve() {
	defer c.end() // also where a handler ends the goroutine
	// As with net/http, a first request begins with its first byte, and has the time of
	// a head from before it; of a further one four bytes have to come.
	patience, least, wasPost := c.server.http.ReadHeaderTimeout, 1, false
	for c.await(patience, least) {
		if wasPost {
			c.in.skipLines(least) // some send them behind a body; as net/http does it
		}
		size := c.head.parse(c.in.bytes())
		if size == 0 {
			c.handOver()
			return
		}
		c.in.take(size)
		wasPost = c.head.method == http.MethodPost
		if !c.answer() || c.server.closing.Load() {
			return
		}
		patience, least = c.server.http.IdleTimeout, 4
	}
}

// end closes the connection, unless it has been handed over.
func (c *conn) end() {
	if c.handed {
		return
	}
	c.forget()
	_ = c.Close()
	c.server.room.release()
	c.in.release()
}

// forget makes the connection nobody's business here.
func (c *conn) forget() {
	c.sorter.watch.remove(c)
	c.server.drop(c)
}

// handOver gives the connection to net/http, which sets deadlines of its own.
func (c *conn) handOver() {
	c.handed = true
	c.forget()
	rest := bytes.Clone(c.in.bytes())
	c.in.release()
	lastWords := unavailable
	if len(rest) == 0 {
		lastWords = "" // no request has begun
	}
	_ = c.setWriteDeadline(time.Time{}) // it fails where the connection is closed
	c.sorter.hand(c.server.begun(c.TCPConn, rest), lastWords)
}

// await waits until there are the least bytes that are taken for a request. It
// reports false where they do not come in time, or the connection has been closed.
func (c *conn) await(patience time.Duration, least int) bool {
	if c.in.len() >= least {
		return true // sent without waiting for the answer before
	}
	if c.state.Load() != fresh {
		c.state.Store(waiting)
	}
	if c.extend(patience) != nil || c.server.closing.Load() && !c.spareFresh() {
		return false
	}
	for c.in.len() < least {
		if c.in.fill(c) != nil {
			return false
		}
	}
	return c.state.Swap(serving) != closed
}

// freshTime is how long a connection has for its first request while the server is shut down.
const freshTime = 5 * time.Second

// spareFresh gives a connection that has had no request freshTime for one, and
// reports whether it is such a connection.
func (c *conn) spareFresh() bool {
	return c.state.Load() == fresh && c.SetReadDeadline(time.Now().Add(freshTime)) == nil
}

// closeIdle closes a connection that waits for a further request. Anybody may call
// it, once the server is closing.
func (c *conn) closeIdle() {
	if !c.spareFresh() {
		c.closeWaiting()
	}
}

// closeWaiting closes a connection that waits for a further request. Anybody may call it.
func (c *conn) closeWaiting() {
	if c.state.CompareAndSwap(waiting, closed) {
		_ = c.Close()
	}
}

// cut ends the connection and what is served on it. Anybody may call it.
func (c *conn) cut() {
	_ = c.Close()
	c.gone()
}

// extend has reads fail in the given time, 0: never, or up to an eighth later.
func (c *conn) extend(patience time.Duration) error {
	if patience <= 0 {
		return c.setReadDeadline(time.Time{})
	}
	return c.setReadDeadline(extended(c.until, patience))
}

// extended returns a deadline that gives the time of patience. Because setting one costs as much
// as parsing a head, a new one is late by an eighth, and kept until it would be too early.
func extended(until time.Time, patience time.Duration) time.Time {
	earliest := time.Now().Add(patience)
	latest := earliest.Add(patience / 8)
	if until.Before(earliest) || until.After(latest) {
		return latest
	}
	return until
}

func (c *conn) setReadDeadline(t time.Time) error {
	if t.Equal(c.until) {
		return nil
	}
	c.until = t
	return c.SetReadDeadline(t)
}

// answer lets the handler answer the request of c.head. It reports whether the
// connection is good for another one.
func (c *conn) answer() bool {
	ctx, cancel := context.WithCancel(c.server.base)
	defer cancel() // also where the handler does not return
	c.begin(cancel)
	c.body = body{c: c, remaining: c.head.length}
	c.response.begin(c)
	ok := c.handle(c.head.request(ctx, c.remote, &c.body))
	c.begin(nil)
	cancel()
	ok = ok && c.response.end()
	c.head.reset()
	c.response.reset()
	if c.body.remaining > 0 {
		linger(c.TCPConn)
	}
	return ok
}

// begin has the client's leaving call cancel from now on; nil: nothing.
func (c *conn) begin(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel = cancel
	if cancel != nil && c.left {
		cancel()
	}
}

// gone notes that the client will send nothing more. Anybody may call it.
func (c *conn) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.cancel != nil {
		c.cancel()
	}
}

// handle calls the handler and reports whether it has returned.
func (c *conn) handle(r *http.Request) (returned bool) {
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
			c.server.log.Printf("http: panic serving %v: %v\n%s", c.remote, fault, debug.Stack())
		}
	}()
	c.server.handler.ServeHTTP(&c.response, r)
	return true
}

const (
	// lingerTime is how long a client whose body was not wanted may go on sending
	// it, lest a reset of the connection takes the answer with it; as in net/http.
	lingerTime = 500 * time.Millisecond
	// lingerBytesMax is how much of it is read meanwhile. What is more has to wait.
	lingerBytesMax = 4 << 20
)

// linger ends our side of a connection that is to be closed, and keeps the other one
// open for a while.
func linger(c stream) {
	end := time.Now().Add(lingerTime)
	if c.CloseWrite() != nil || c.SetReadDeadline(end) != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, c, lingerBytesMax); err == nil {
		time.Sleep(time.Until(end))
	}
}
