package http1

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// What a connection is doing.
const (
	waiting int32 = iota // for a request
	serving
	closed // while it waited
)

// conn is a connection of a client. It belongs to the goroutine that serves it,
// but for what others may call: gone, closeIdle and cut.
type conn struct {
	net.Conn
	server *Server
	sorter *sorter
	remote string
	in     input
	until  time.Time // the read deadline, as set; zero: none
	state  atomic.Int32
	number uint64 // of the watch

	head     head
	body     body
	response response

	mu   sync.Mutex
	left bool            // the client
	ctx  *requestContext // of the request that is served; nil: none
}

// take serves a connection in a goroutine of its own.
func (s *Server) take(raw net.Conn, o *sorter) {
	c := &conn{Conn: raw, server: s, sorter: o, remote: raw.RemoteAddr().String()}
	switch {
	case !s.keep(c):
		_ = raw.Close()
	case !o.watch.add(c):
		s.drop(c)
		go o.hand(raw, nil)
	default:
		go c.serve()
	}
}

// serve answers one request after the other.
func (c *conn) serve() {
	patience, least := c.server.http.ReadHeaderTimeout, 1 // as net/http waits for the first byte
	for c.await(patience, least) {
		size := c.head.parse(c.in.bytes())
		if size == 0 {
			c.handOver()
			return
		}
		c.in.take(size)
		if !c.answer() || c.server.closing.Load() {
			break
		}
		patience, least = c.server.http.IdleTimeout, 4 // and for a further request; less is none
	}
	c.forget()
	_ = c.Close()
	c.in.release()
}

// forget makes the connection nobody's business here.
func (c *conn) forget() {
	c.sorter.watch.remove(c)
	c.server.drop(c)
}

// handOver gives the connection to net/http, which sets deadlines of its own.
func (c *conn) handOver() {
	c.forget()
	rest := append([]byte(nil), c.in.bytes()...)
	c.in.release()
	c.sorter.hand(c.Conn, rest)
}

// await waits until there are the least bytes that are taken for a request. It
// reports false where they do not come in time, or the connection has been closed.
func (c *conn) await(patience time.Duration, least int) bool {
	if c.in.len() >= least {
		return true // sent without waiting for the answer before
	}
	c.state.Store(waiting)
	if c.server.closing.Load() || c.extend(patience) != nil {
		return false
	}
	for c.in.len() < least {
		if c.in.fill(c.Conn) != nil {
			return false
		}
	}
	return c.state.CompareAndSwap(waiting, serving)
}

// closeIdle closes a connection that waits for a request. Anybody may call it.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(waiting, closed) {
		_ = c.Close()
	}
}

// cut ends the connection and what is served on it. Anybody may call it.
func (c *conn) cut() {
	_ = c.Close()
	c.gone()
}

// extend has reads fail in the given time, 0: never. Because setting a deadline
// costs as much as parsing a head, one that is short by an eighth is kept.
func (c *conn) extend(patience time.Duration) error {
	if patience <= 0 {
		return c.setReadDeadline(time.Time{})
	}
	until := time.Now().Add(patience)
	if short := until.Sub(c.until); short >= 0 && short <= patience/8 {
		return nil
	}
	return c.setReadDeadline(until)
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
	ctx := &requestContext{Context: c.server.base}
	defer ctx.end()
	c.begin(ctx)
	c.body = body{c: c, left: c.head.length}
	c.response.begin(c)
	ok := c.handle(c.head.request(ctx, c.remote, &c.body))
	c.begin(nil)
	ok = ok && c.response.end()
	c.head.reset()
	if c.body.left > 0 {
		c.linger()
	}
	return ok
}

// begin has the client's leaving end ctx from now on; nil: nothing.
func (c *conn) begin(ctx *requestContext) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx = ctx
	if ctx != nil && c.left {
		ctx.end()
	}
}

// gone notes that the client will send nothing more. Anybody may call it.
func (c *conn) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.ctx != nil {
		c.ctx.end()
	}
}

// handle calls the handler and reports whether it has returned.
func (c *conn) handle(r *http.Request) (returned bool) {
	defer func() {
		if fault := recover(); fault != nil && !isAbort(fault) {
			c.server.logf("http: panic serving %v: %v\n%s", c.remote, fault, debug.Stack())
		}
	}()
	c.server.http.Handler.ServeHTTP(&c.response, r)
	return true
}

func isAbort(fault any) bool {
	err, ok := fault.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func (s *Server) logf(format string, args ...any) {
	if s.http.ErrorLog != nil {
		s.http.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

const (
	// lingerTime is how long a client whose body was not wanted may go on sending
	// it, lest a reset of the connection takes the answer with it.
	lingerTime = 500 * time.Millisecond
	// lingerBytesMax is how much of it.
	lingerBytesMax = 256 << 10
)

// linger ends our side of the connection, and reads on for a while.
func (c *conn) linger() {
	half, ok := c.Conn.(closeWriter)
	if !ok || half.CloseWrite() != nil || c.setReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	// How it ends makes no difference.
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytesMax)
}
