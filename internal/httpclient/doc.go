// Package httpclient speaks HTTP/1.1 with one server over keep-alive connections of its
// own, in clear text or TLS. It knows nothing of what the server is for, whether it is
// well, or which other servers there are.
//
// It exists because [net/http.Transport] spends two goroutines per connection and several
// hand-overs per request on features that a gateway in front of a model server has no use for
// (HTTP/2, proxies, cookies, redirects, content decoding). Here the goroutine that asks is the one
// that writes the request and reads the response. BenchmarkDo measures both side by side.
//
// [Client.Do] differs from [net/http.RoundTripper] for what that costs: a request and a
// response are values, so that neither is an object of its own; a request's body is bytes
// and its header a list, which are written as they are; a response's header is a list
// that is searched, not a map that is made; and a [Body] shows what has come in where it
// lies, without a copy, and can be given up in ways that tell when the server has stopped.
//
// Invariants, each with a test:
//
//   - Nothing reaches the server but the body and the fields that a request lists;
//     credentials and framing fields are refused.
//   - A request is not sent again once a response byte has been seen.
//   - A connection is kept only after a response whose end is beyond doubt, and
//     is dropped if anything arrives on it between two exchanges, so that one
//     user's answer is never read as another's.
//   - Closing a response early, or cancelling its context, ends our side of the
//     connection at once: this is how a server learns to stop generating.
//     Whoever then reads gets what it has sent until it closes its own side, or
//     sends nothing for a quarter of a second: see Part and Abandon of [Body]. What is
//     given back after that is free at the server too.
//   - Memory per exchange does not depend on what the server sends: heads,
//     chunk lines, trailers and interim responses are bounded.
//
// A [Client] may be used by any number of goroutines.
package httpclient
