package httpclient

import (
	"context"
	"errors"
	"io"
	"os"
)

// ErrClosed is the cause of the Refused error of requests made after [Client.Close].
var ErrClosed = errors.New("the connections to this server have been closed")

// ErrBodyClosed is returned by reads of a [Body] that was closed before its end.
var ErrBodyClosed = errors.New("read of a closed response body")

// Kind says what became of a request, in a few words for logs. The zero value is no kind.
type Kind string

// The kinds of failure.
const (
	// Invalid: the request cannot be sent as it is. Nothing was sent.
	Invalid Kind = "invalid request"
	// Refused: no connection could be made. Nothing was sent.
	Refused Kind = "no connection"
	// Closed: the connection ended before one byte of a response.
	Closed Kind = "closed before a response"
	// Timeout: a time limit passed; the error's Phase says which.
	Timeout Kind = "timeout"
	// Broken: the connection ended within the response.
	Broken Kind = "broken response"
	// Protocol: what came back is not an HTTP/1.1 response.
	Protocol Kind = "malformed response"
	// Canceled: the context ended.
	Canceled Kind = "canceled"
)

// String returns the words.
func (k Kind) String() string { return string(k) }

// Phase says which time limit passed. The zero value is none of them.
type Phase uint8

// The phases of an exchange that have a time limit.
const (
	// Connect ends when the connection, TLS included, is made.
	Connect Phase = iota + 1
	// FirstByte ends with the first byte of the response's body, or with its first
	// event: see [Body]. The head alone ends nothing: some servers send that of a
	// stream at once, and the first event much later.
	FirstByte
	// Whole ends with the last byte of the response.
	Whole
	// Idle is the time between two reads of the body, or between two events.
	Idle
)

var phases = [...]string{
	Connect: "connecting", FirstByte: "waiting for the first byte",
	Whole: "waiting for the whole response", Idle: "between two parts of the response",
}

// String returns a few words for logs, such as "connecting".
func (p Phase) String() string { return phases[p] }

// Error is every error of this package but [ErrBodyClosed]. It never carries bytes that
// the server sent.
type Error struct {
	Kind        Kind
	Phase       Phase  // of a Timeout; else zero
	Address     string // of the server, host:port
	Connections int    // to how many the request, or a part of it, was written
	Err         error  // the cause; for Canceled the context's

	Sent    bool // the server may have received the request, or a part of it
	Started bool // a byte of a response was received
	Short   bool // of a Timeout: much of the time had been used before Do was called
}

// Error names the server, what happened and the cause.
func (e *Error) Error() string {
	text := e.Address + ": " + e.Kind.String()
	if e.Kind == Timeout {
		return text + " " + e.Phase.String()
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// malformed is a violation of HTTP/1.1 by the server. The texts are
// constants, so that nothing of a response ends in a log.
type malformed string

func (m malformed) Error() string { return string(m) }

// failure classifies an error of reading from c, of which a failed write is the better explanation.
func (c *conn) failure(ctx context.Context, err error) *Error {
	_, bad := err.(malformed)
	if c.writeErr != nil && !bad {
		err = c.writeErr
	}
	e := &Error{Address: c.address, Err: err, Sent: true, Started: c.started}
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Err = Canceled, context.Cause(ctx)
	case bad:
		e.Kind = Protocol
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind, e.Phase, e.Short = Timeout, c.phase, c.limits.short(c.phase)
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

// dialFailure classifies an error of making a connection. No byte of the request has been sent.
func (cl *Client) dialFailure(ctx context.Context, err error) *Error {
	e := &Error{Kind: Refused, Address: cl.address, Err: err}
	var t interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Err = Canceled, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &t) && t.Timeout():
		e.Kind, e.Phase = Timeout, Connect
	}
	return e
}
