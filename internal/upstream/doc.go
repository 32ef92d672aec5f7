// Package upstream speaks HTTP/1.1 with model servers over keep-alive connections
// of its own, in clear text or TLS: a [Server] with one, a [Pool] with whichever of a
// model's is the best to ask.
//
// It exists because [net/http.Transport] spends two goroutines per connection
// and several hand-overs per request on features that a gateway in front of a
// model server has no use for (HTTP/2, proxies, cookies, redirects, content
// decoding). Here the goroutine that asks is the one that writes the request
// and reads the response. BenchmarkDo measures both side by side.
//
// The package decides nothing about limits, and knows of a model the name that servers have
// for it. It decides which server is asked: the least busy one that is not away, does not
// say that it lacks the model, and is not shut by the model's breaker there (watch.go,
// list.go, breaker.go, caller.go). It asks again only where nothing was generated that anybody could still
// get: see [Pool.Do], and [Server.Do] for kept connections that the server had closed.
//
// Invariants, each with a test:
//
//   - Nothing of a client reaches the server but the body and the fields that
//     the caller lists; credentials and framing fields are refused.
//   - A request is not sent again once a response byte has been seen, and reaches no
//     more servers that die of it than [Pool.Do] says.
//   - A connection is kept only after a response whose end is beyond doubt, and
//     is dropped if anything arrives on it between two exchanges, so that one
//     user's answer is never read as another's.
//   - Closing a response early, or cancelling its context, ends our side of the
//     connection at once: this is how a model server learns to stop generating.
//     Whoever then reads gets what it has sent until it closes its own side, or
//     sends nothing for a quarter of a second; [Body.Part] is that, and
//     [Body.Abandon] that and nothing read. A running slot that is given back after it is free at the
//     model server too.
//   - Memory per exchange does not depend on what the server sends: heads,
//     chunk lines, trailers and interim responses are bounded.
//
// A [Server] may be used by any number of goroutines. A [Response] belongs to
// one, except that [Body.Close] may be called by another.
package upstream
