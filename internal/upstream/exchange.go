package upstream

import (
	"context"
	"sync"
	"time"
)

// Response is the final response to a request. Its body must be read to the
// end or closed.
type Response struct {
	Status int
	Server string // the name of the model server that sent it
	Header Header
	// ContentLength is the length of the body, or -1 if only its end will tell.
	ContentLength int64
	Body          *Body
	// Attempts is how many connections the request was written to: 1, or 2 if
	// the first was a kept one that the server had closed.
	Attempts int

	body Body
}

// Do sends r and waits for the head of the final response, whatever its
// status. Errors are of type [*Error]. The context covers the body too: its end
// closes the connection at once.
//
// A request is sent a second time in one case: a kept connection turned out to
// be closed, at once, before one byte of a response came back.
func (s *Server) Do(ctx context.Context, r *Request) (*Response, error) {
	now := time.Now()
	return s.do(ctx, r, limitsOf(r, r.begin(now), now), now)
}

// do is Do for an attempt that begins now, within limits that may have begun
// before.
func (s *Server) do(ctx context.Context, r *Request, l limits, now time.Time) (*Response, error) {
	if why := r.check(); why != "" {
		return nil, &Error{Kind: Invalid, Address: s.address, Err: why}
	}
	v := s.begin(r)
	response, failure := s.ask(ctx, r, v, l, now)
	if failure != nil {
		v.leave()
		v.judge(failure.outcome())
		return nil, failure
	}
	return response, nil
}

// ask is Do for a request that has been counted.
func (s *Server) ask(ctx context.Context, r *Request, v visit, l limits, now time.Time) (*Response, *Error) {
	c, failure := s.connection(ctx, l, now)
	if failure != nil {
		return nil, failure
	}
	response, failure := s.exchange(ctx, c, r, v, 1)
	if failure != nil && failure.Kind == Closed && c.reused && time.Since(now) < staleWithin {
		return s.again(ctx, l, r, v)
	}
	return response, failure
}

// staleWithin is how soon a kept connection shows that the server had closed it
// before the request came: about a round trip. One that closes later may have
// been worked on.
const staleWithin = 100 * time.Millisecond

// again sends r on a fresh connection, after a kept one turned out to be closed.
func (s *Server) again(ctx context.Context, l limits, r *Request, v visit) (*Response, *Error) {
	c, failure := s.fresh(ctx, l, time.Now())
	if failure != nil {
		failure.Attempts, failure.sent = 1, true
		return nil, failure
	}
	return s.exchange(ctx, c, r, v, 2)
}

// connection returns one that was kept and is still silent, or a fresh one.
func (s *Server) connection(ctx context.Context, l limits, now time.Time) (*conn, *Error) {
	if ctx.Err() != nil {
		return nil, s.dialFailure(ctx, ctx.Err())
	}
	for c := s.kept.take(now); c != nil; c = s.kept.take(now) {
		if c.begin(l, now) == nil && c.probe.silent() {
			return c, nil
		}
		c.kill()
	}
	return s.fresh(ctx, l, now)
}

// fresh makes a connection, for which there is no more time than for the answer.
func (s *Server) fresh(ctx context.Context, l limits, now time.Time) (*conn, *Error) {
	by, _, phase := l.next(now, false)
	scarce := !by.IsZero() && by.Before(now.Add(s.connect))
	bounded, cancel := ctx, func() {}
	if scarce {
		bounded, cancel = context.WithDeadline(ctx, by)
	}
	defer cancel()
	c, failure := s.dial(bounded)
	if failure != nil {
		if scarce && ctx.Err() == nil && !time.Now().Before(by) {
			failure.Kind, failure.Phase, failure.short = Timeout, phase, l.short(phase)
		}
		return nil, failure
	}
	if err := c.begin(l, now); err != nil {
		c.kill()
		return nil, s.dialFailure(ctx, err)
	}
	return c, nil
}

// exchange writes r to c and reads the head of the response. After an error c
// is closed.
func (s *Server) exchange(ctx context.Context, c *conn, r *Request, v visit, attempt int) (*Response, *Error) {
	stop := onDone(ctx, c)
	s.send(c, r)
	h, err := receiveHead(c.br, r.Method)
	if err == nil && ctx.Err() != nil {
		// What a server answers to a client that has left is no answer: Go's
		// sends 200 with an empty body for a handler that has returned.
		err = ctx.Err()
		c.leave()
	}
	if err != nil {
		stop()
		c.abandon(err)
		failure := c.failure(ctx, err)
		failure.Attempts = attempt
		return nil, failure
	}
	c.join()
	response := &Response{Status: h.status, Server: s.name, Header: h.header, ContentLength: h.length, Attempts: attempt}
	response.Body = &response.body
	response.body.visit = v
	response.body.judgeStatus(h.status)
	response.body.open(ctx, s, c, h, stop)
	return response, nil
}

// heads holds buffers for the head of a request and a small body. They are
// held while a request is written, not while its response is awaited.
var heads = sync.Pool{New: func() any {
	b := make([]byte, 0, 1<<10+joinedBytes)
	return &b
}}

func (s *Server) send(c *conn, r *Request) {
	if len(r.Body) > inlineBytes {
		c.sendLarge(s.appendHead(nil, r), r.Body)
		return
	}
	buffer := heads.Get().(*[]byte)
	*buffer = c.send(s.appendHead((*buffer)[:0], r), r.Body)
	if cap(*buffer) <= 2*joinedBytes {
		heads.Put(buffer)
	}
}

// onDone parts from c when the context ends, unless stopped before. The result
// reports whether stopping came in time.
func onDone(ctx context.Context, c *conn) (stop func() bool) {
	if own, ok := ctx.(afterFuncer); ok {
		return own.AfterFunc(c.leaver)
	}
	if ctx.Done() == nil {
		return alwaysStopped
	}
	return context.AfterFunc(ctx, c.leaver)
}

// afterFuncer is a context that calls functions at its end by itself, for less than
// package context needs, which makes use of it too: see [context.AfterFunc].
type afterFuncer interface {
	AfterFunc(f func()) (stop func() bool)
}

func alwaysStopped() bool { return true }
