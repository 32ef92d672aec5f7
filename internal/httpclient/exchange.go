package httpclient

import (
	"context"
	"sync"
	"time"
)

// Response is the final response to a request.
type Response struct {
	Status int
	Header Header
	// ContentLength is the length of the body, or -1 if only its end will tell.
	ContentLength int64
	// Body is never nil, and must be closed.
	Body Body
	// Connections is how many the request was written to: 1, or 2 if the first was a kept
	// one that the server had closed.
	Connections int
}

// Do sends r and waits for the head of the final response, whatever its status. Errors are of type
// [*Error]. The context covers the body too: its end closes the connection at once.
//
// A request is sent a second time in one case: a kept connection turned out to
// be closed, at once, before one byte of a response came back.
func (cl *Client) Do(ctx context.Context, r Request) (Response, error) {
	if why := r.check(); why != "" {
		return Response{}, &Error{Kind: Invalid, Address: cl.address, Err: why}
	}
	now := time.Now()
	l := r.limits(now)
	c, failure := cl.connection(ctx, l, now)
	if failure != nil {
		return Response{}, failure
	}
	response, failure := cl.exchange(ctx, c, &r, 1)
	if failure != nil && failure.Kind == Closed && c.reused && time.Since(now) < staleWithin {
		response, failure = cl.again(ctx, l, &r)
	}
	if failure != nil {
		return Response{}, failure
	}
	return response, nil
}

// staleWithin is how soon a kept connection shows that the server had closed it before the request
// came: about a round trip. One that closes later may have been worked on.
const staleWithin = 100 * time.Millisecond

// again sends r on a fresh connection, after a kept one turned out to be closed.
func (cl *Client) again(ctx context.Context, l limits, r *Request) (Response, *Error) {
	c, failure := cl.fresh(ctx, l, time.Now())
	if failure != nil {
		failure.Connections, failure.Sent = 1, true
		return Response{}, failure
	}
	return cl.exchange(ctx, c, r, 2)
}

// connection returns one that was kept and is still silent, or a fresh one.
func (cl *Client) connection(ctx context.Context, l limits, now time.Time) (*conn, *Error) {
	if ctx.Err() != nil {
		return nil, cl.dialFailure(ctx, ctx.Err())
	}
	for c := cl.kept.take(now); c != nil; c = cl.kept.take(now) {
		if c.begin(l, now) == nil && c.probe.silent() {
			return c, nil
		}
		c.kill()
	}
	return cl.fresh(ctx, l, now)
}

// fresh makes a connection, for which there is no more time than for the answer.
func (cl *Client) fresh(ctx context.Context, l limits, now time.Time) (*conn, *Error) {
	by, _, phase := l.next(now, false)
	scarce := !by.IsZero() && by.Before(now.Add(cl.connect))
	bounded, cancel := ctx, func() {}
	if scarce {
		bounded, cancel = context.WithDeadline(ctx, by)
	}
	defer cancel()
	c, failure := cl.dial(bounded)
	if failure != nil {
		if scarce && ctx.Err() == nil && !time.Now().Before(by) {
			failure.Kind, failure.Phase, failure.Short = Timeout, phase, l.short(phase)
		}
		return nil, failure
	}
	if err := c.begin(l, now); err != nil {
		c.kill()
		return nil, cl.dialFailure(ctx, err)
	}
	return c, nil
}

// exchange writes r to c, the nth connection that it is written to, and reads the head
// of the response. After an error c is closed.
func (cl *Client) exchange(ctx context.Context, c *conn, r *Request, nth int) (Response, *Error) {
	stop := context.AfterFunc(ctx, c.parting)
	cl.send(c, r)
	h, err := receiveHead(c.br, r.Method)
	if err == nil && ctx.Err() != nil {
		// What a server answers to a client that has left is no answer: Go's
		// sends 200 with an empty body for a handler that has returned.
		err = ctx.Err()
		c.partAndWait()
	}
	if err != nil {
		stop()
		c.abandon(err)
		failure := c.failure(ctx, err)
		failure.Connections = nth
		return Response{}, failure
	}
	c.join()
	b := &body{ctx: ctx, kept: &cl.kept, conn: c, stop: stop}
	b.begin(h)
	return Response{
		Status: h.status, Header: h.header, ContentLength: h.length, Body: b, Connections: nth,
	}, nil
}

// heads holds buffers for the head of a request and a small body. They are
// held while a request is written, not while its response is awaited.
var heads = sync.Pool{New: func() any {
	b := make([]byte, 0, 1<<10+joinedBytes)
	return &b
}}

func (cl *Client) send(c *conn, r *Request) {
	if len(r.Body) > inlineBytes {
		c.sendLarge(cl.appendHead(nil, r), r.Body)
		return
	}
	buffer := heads.Get().(*[]byte)
	*buffer = c.send(cl.appendHead((*buffer)[:0], r), r.Body)
	if cap(*buffer) <= 2*joinedBytes {
		heads.Put(buffer)
	}
}
