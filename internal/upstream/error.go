package upstream

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
)

// ErrServerClosed is the cause of the Refused error of requests made after
// [Server.Close].
var ErrServerClosed = errors.New("the connections to this model server have been closed")

// ErrBodyClosed is returned by reads of a response after [Body.Close].
var ErrBodyClosed = errors.New("upstream: read of a closed response body")

// Kind says what became of a request. The zero value is no kind.
type Kind uint8

// The kinds of failure.
const (
	// Invalid: the caller's request cannot be sent as it is. Nothing was sent.
	Invalid Kind = iota + 1
	// Refused: no connection could be made. Nothing was sent.
	Refused
	// Closed: the connection ended before one byte of a response.
	Closed
	// Timeout: a time limit passed; the error's Phase says which.
	Timeout
	// Broken: the connection ended within the response.
	Broken
	// Protocol: what came back is not an HTTP/1.1 response.
	Protocol
	// Canceled: the caller's context ended.
	Canceled
	// Busy: the queue of every model server that was asked is full. Only a
	// [Pool] says so.
	Busy
	// Away: there is no model server that can be asked, or the one that was says
	// that it is ill. Only a [Pool] says so.
	Away
)

var kinds = [...]string{
	Invalid: "invalid request", Refused: "no connection", Closed: "closed before a response",
	Timeout: "timeout", Broken: "broken response", Protocol: "malformed response", Canceled: "canceled",
	Busy: "full queue", Away: "away",
}

// String returns a few words for logs, such as "no connection".
func (k Kind) String() string { return kinds[k] }

// Phase says which time limit passed. The zero value is none of them.
type Phase uint8

// The phases of an exchange that have a time limit.
const (
	// Connect ends when the connection, TLS included, is made.
	Connect Phase = iota + 1
	// FirstByte ends with the first byte of the response's body, or with its first
	// event: see [Body.CountEvents]. A model server
	// sends the head of a stream at once and the first event only after the
	// prompt has waited and been read, so the head alone ends nothing.
	FirstByte
	// Whole ends with the last byte of the response.
	Whole
	// Idle is the time between two reads of the body, or between two events.
	Idle
)

var phases = [...]string{Connect: "connecting", FirstByte: "waiting for the first byte", Whole: "waiting for the whole response", Idle: "between two parts of the response"}

// String returns a few words for logs, such as "connecting".
func (p Phase) String() string { return phases[p] }

// Error is every error of this package but [ErrBodyClosed] and [*StatusError].
// It never carries bytes that the model server sent.
type Error struct {
	Kind     Kind
	Phase    Phase  // of a Timeout; else zero
	Address  string // of the model server, host:port; of several with commas between
	Attempts int    // how many connections were tried; 0 if none
	Err      error  // the cause; for Canceled the context's

	sent, started bool
	declined      bool // the head that has come refuses the request
	reached       bool // see Reached
	elsewhere     bool // another server may be asked
	short         bool // of a Timeout: others had used the time
}

// Error names the server, what happened and the cause.
func (e *Error) Error() string {
	text := "model server " + e.Address + ": " + e.Kind.String()
	if e.Kind == Timeout {
		return text + " " + e.Phase.String()
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Scarce reports whether the process had no file descriptor left for a connection.
func (e *Error) Scarce() bool {
	return e.unconnected() && (errors.Is(e.Err, syscall.EMFILE) || errors.Is(e.Err, syscall.ENFILE))
}

// Sent reports whether the model server may have received the request, or a
// part of it.
func (e *Error) Sent() bool { return e.sent }

// Reached reports whether a [Pool] has sent the request, or a part of it, to any
// model server that did not turn it away for a full queue: it has cost something,
// whatever came of it.
func (e *Error) Reached() bool { return e.reached }

// Declined reports whether the last model server had answered with a status that
// refuses the request, before what went wrong then: it has not worked on it.
func (e *Error) Declined() bool { return e.declined }

// Started reports whether a byte of a response was received.
func (e *Error) Started() bool { return e.started }

// unconnected reports whether no connection could be made.
func (e *Error) unconnected() bool {
	return e.Kind == Refused || e.Kind == Timeout && e.Phase == Connect
}

// nobodyThere reports whether no connection could be made because the server is
// not there, or does not answer.
func (e *Error) nobodyThere() bool { return e.unconnected() && !e.ours() }

// refused reports whether the server's machine says that nobody listens. Only
// that tells that a process is gone: where packets get lost, or a name is not
// found, it may be working on what was sent to it before.
// A connection that is reset while it is made was in the queue of a listener that
// was closed.
func (e *Error) refused() bool {
	return e.Kind == Refused && (errors.Is(e.Err, syscall.ECONNREFUSED) || errors.Is(e.Err, syscall.ECONNRESET))
}

// ours reports whether what went wrong is this process's own affair.
func (e *Error) ours() bool {
	if e.Kind == Canceled || e.Kind == Invalid || errors.Is(e.Err, ErrServerClosed) {
		return true
	}
	for _, scarcity := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS} {
		if errors.Is(e.Err, scarcity) {
			return true
		}
	}
	return false
}

// asError returns err as what all errors of exchanges are.
func asError(err error) *Error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Broken, Err: err}
}

// malformed is a violation of HTTP/1.1 by the model server. The texts are
// constants, so that nothing of a response ends in a log.
type malformed string

func (m malformed) Error() string { return string(m) }

// failure classifies an error of reading from c, of which a failed write is the
// better explanation.
func (c *conn) failure(ctx context.Context, err error) *Error {
	_, bad := err.(malformed)
	if c.writeErr != nil && !bad {
		err = c.writeErr
	}
	e := &Error{Address: c.address, Err: err, sent: true, started: c.started}
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Err = Canceled, context.Cause(ctx)
	case bad:
		e.Kind = Protocol
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind, e.Phase, e.short = Timeout, c.phase, c.limits.short(c.phase)
	case c.started:
		e.Kind, e.Err = Broken, unexpected(err)
	default:
		e.Kind, e.Err = Closed, unexpected(err)
	}
	return e
}

// unexpected turns the end of a stream, where more had to come, into an error
// that nobody takes for the proper end of a body.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// dialFailure classifies an error of making a connection. No byte of the
// request has been sent.
func (s *Server) dialFailure(ctx context.Context, err error) *Error {
	e := &Error{Kind: Refused, Address: s.address, Err: err}
	var t interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Err = Canceled, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &t) && t.Timeout():
		e.Kind, e.Phase = Timeout, Connect
	}
	return e
}
