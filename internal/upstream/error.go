package upstream

import (
	"errors"
	"syscall"

	"github.com/token-rate-limiter/token-rate-limiter/internal/descriptor"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// ErrServerClosed is the cause of the Refused error of requests made after [Server.Close].
var ErrServerClosed = httpclient.ErrClosed

// Kind says what became of a request, Phase which time limit passed, ClientError both of a request
// at one server.
type (
	Kind        = httpclient.Kind
	Phase       = httpclient.Phase
	ClientError = httpclient.Error
)

// The kinds of failure: those of a client, and two that only a [Pool] tells.
const (
	Invalid  = httpclient.Invalid
	Refused  = httpclient.Refused
	Closed   = httpclient.Closed
	Timeout  = httpclient.Timeout
	Broken   = httpclient.Broken
	Canceled = httpclient.Canceled
	// Busy: the queue of every model server that was asked is full.
	Busy Kind = "full queue"
	// Away: there is no model server that can be asked, or the one that was says that it is ill.
	Away Kind = "away"
)

// Those of the phases that make a difference here.
const (
	Connect = httpclient.Connect
	Whole   = httpclient.Whole
)

// Error is every error of this package but [*StatusError]: what a client tells, and what became of
// the request in a pool. It never carries bytes that the model server sent.
type Error struct {
	// ClientError says what went wrong. Where a [Pool] has asked nobody, its Address is those of
	// all its model servers, with commas between.
	ClientError

	// Declined is set where the last model server had answered with a status that refuses the
	// request, before what went wrong then: it has not worked on it.
	Declined bool
	// Reached is set where a [Pool] has sent the request, or a part of it, to any model server that
	// did not turn it away for a full queue: it has cost something, whatever came of it.
	Reached bool

	elsewhere bool // another server may be asked
}

func newError(kind Kind, address string, cause error) *Error {
	return &Error{ClientError: ClientError{Kind: kind, Address: address, Err: cause}}
}

// asError returns err, of a client or of this package, as what all errors here are.
func asError(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok || err == nil {
		return own
	}
	if e, ok := errors.AsType[*ClientError](err); ok {
		return &Error{ClientError: *e}
	}
	return newError(Broken, "", err)
}

// Error names the server, what happened and the cause.
func (e *Error) Error() string { return "model server " + e.ClientError.Error() }

// Scarce reports whether the process had no file descriptor left for a connection.
func (e *Error) Scarce() bool {
	return e.unconnected() && descriptor.Exhausted(e.Err)
}

// unconnected reports whether no connection could be made.
func (e *Error) unconnected() bool {
	return e.Kind == Refused || e.Kind == Timeout && e.Phase == Connect
}

// nobodyThere reports whether no connection could be made because the server is
// not there, or does not answer.
func (e *Error) nobodyThere() bool { return e.unconnected() && !e.ours() }

// refused reports whether the server's machine says that nobody listens. Only that tells that a
// process is gone: where packets get lost, or a name is not found, it may be working on what was
// sent to it before. A connection that is reset while it is made was in the queue of a listener
// that was closed.
func (e *Error) refused() bool {
	return e.Kind == Refused &&
		(errors.Is(e.Err, syscall.ECONNREFUSED) || errors.Is(e.Err, syscall.ECONNRESET))
}

// ours reports whether what went wrong is this process's own affair.
func (e *Error) ours() bool {
	return e.Kind == Canceled || e.Kind == Invalid || errors.Is(e.Err, ErrServerClosed) ||
		descriptor.Exhausted(e.Err) ||
		errors.Is(e.Err, syscall.EADDRNOTAVAIL) || errors.Is(e.Err, syscall.ENOBUFS)
}
