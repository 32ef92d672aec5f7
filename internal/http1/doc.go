// Package http1 serves clients that speak plain HTTP/1.1, at half of what
// net/http's server needs, and leaves everybody else to net/http.
//
// It reads a request only where the whole head has come in one piece and is of
// the plain form that nearly every client sends: see [parseHead]. A connection
// that brings anything else, or that brings it bit by bit, is handed over to
// net/http with every byte that was read of it, for the rest of its life. So there is
// no malformed, ambiguous or unusual request that this package has an opinion of:
// what it does not understand at once, the most tried parser there is
// decides about. Fuzz tests hold it to saying what net/http would say.
//
// A client that leaves is noticed by the kernel (watch_linux.go), not by a
// goroutine that reads ahead; on other systems net/http serves everybody.
//
// What of a handler's rights is missing: trailers, interim responses, hijacking,
// and to use the request, its header or the writer after the handler has returned.
package http1
