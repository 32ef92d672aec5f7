// Package http1 serves clients that speak plain HTTP/1.1, at a third of what
// net/http's server needs, and hands everybody else over to net/http.
//
// It reads a request only where the whole head has come in one piece and is of the plain form that
// nearly every client sends: see [parseHead]. A connection that brings anything else, or that
// brings it bit by bit, is handed over to net/http with every byte that was read of it, for the
// rest of its life. So there is no malformed, ambiguous or unusual request that this package has an
// opinion of: what it does not understand at once, the most tried parser there is decides about.
// Fuzz tests hold it to saying what net/http would say. The exception is what net/http takes, and
// something in front may read in another way: see [Strict].
//
// A client that leaves is noticed by the kernel (watch_linux.go), not by a goroutine that reads
// ahead; on other systems net/http serves everybody, as it does after [Server.HandOverAll]. The
// bounds on connections, slow readers and ambiguous requests are the same then; a connection that
// has brought no request when a shutdown begins is closed by net/http, and answered here.
//
// A handler has less than with net/http: no trailers, interim responses, hijacking or
// full duplex; what it puts into the header between WriteHeader and the first bytes
// that are sent still counts, but for the length; and nothing of the request, its
// header, the body and the writer may be used once it has returned.
//
// Connections are kept for up to an eighth longer than IdleTimeout, because deadlines are set
// seldom, and one that is handed over before its first request has ReadHeaderTimeout once more.
package http1
