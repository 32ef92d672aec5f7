// Package sse splits a stream of server-sent events into its events, without changing a byte, and
// takes events apart. The format is WHATWG HTML's, section "Server-sent events".
//
// It knows nothing of what the events say. It reads the bytes of strangers: it never panics, and
// holds no more than one event, of which the length is bounded.
package sse
