package failure

import "time"

// AtCapacity is about a model whose servers all have full queues.
func AtCapacity(model string, retryAfter time.Duration) *Error {
	e := later(KindRateLimited, retryAfter,
		"every server of the model %s has a full queue; try again later", Quoted(model))
	e.Exhausted = Capacity
	return e
}

// Upstream is about an answer of the model server that is none.
func Upstream(format string, args ...any) *Error { return of(KindUpstream, format, args...) }

// UpstreamTimeout is about a model server that did not answer in time.
func UpstreamTimeout(format string, args ...any) *Error {
	return of(KindUpstreamTimeout, format, args...)
}

// ModelServer is what a model server says of a request in its own words.
func ModelServer(said Foreign, message string) *Error {
	return &Error{Kind: KindModelServer, Foreign: &said, Message: message}
}

// NoServer is about a model of which no server is healthy.
func NoServer(model string, retryAfter time.Duration) *Error {
	return later(KindNoServer, retryAfter,
		"no server of the model %s is available; try again later", Quoted(model))
}

// NoStore is about limits that cannot be checked.
func NoStore(retryAfter time.Duration) *Error {
	return later(KindNoStore, retryAfter, "the limits cannot be checked now; try again later")
}

// NoIdentity is about a credential of which nobody can say now whose it is.
func NoIdentity(retryAfter time.Duration) *Error {
	return later(KindNoIdentity, retryAfter,
		"the credential cannot be checked now; try again later")
}

// OverCapacity is about a gateway that holds as many bytes of bodies and answers as it may.
func OverCapacity(retryAfter time.Duration) *Error {
	return later(KindOverCapacity, retryAfter, "the gateway holds as many bytes of bodies and "+
		"answers as it may, server.max-buffered-bytes; try again later")
}

// CutOff is about a client whose connection was ended because it was the slowest when the
// gateway held as many bytes as it may.
func CutOff() *Error {
	return of(KindCutOff, "the client took its answer too slowly while as many bytes were held "+
		"as may be, and was cut off")
}

// NoDescriptor is about a connection to a model server that lacks a file descriptor.
func NoDescriptor(retryAfter time.Duration) *Error {
	return later(KindOverCapacity, retryAfter, "the gateway has no file descriptor left for a "+
		"connection to a model server; try again later")
}

// ShuttingDown is about a replica that takes no more requests.
func ShuttingDown(retryAfter time.Duration) *Error {
	return later(KindShuttingDown, retryAfter, "this replica is shutting down; try again")
}

// Internal is about a fault of the gateway itself, which the log has under the request's id.
func Internal() *Error {
	return of(KindInternal,
		"something went wrong here; the log has it under the request's X-Request-ID")
}

func later(k Kind, retryAfter time.Duration, format string, args ...any) *Error {
	e := of(k, format, args...)
	e.RetryAfter = retryAfter
	return e
}
