package upstream

import (
	"strconv"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// Field is a header field.
type Field struct{ Name, Value string }

// Request is what is sent. Zero timeouts are none; the others never end a
// response early, and at most an eighth of themselves late.
type Request struct {
	Method string // such as POST; upper-case letters
	Path   string // begins with a slash; appended to the server's base path
	// Header is sent in order. It must not hold what this package writes itself
	// (Host, Content-Type, Content-Length, Accept-Encoding), what concerns the
	// connection, or credentials: those are an Invalid error, so that a mistake
	// in the caller's list cannot leak them.
	Header []Field
	// Body is JSON; nil sends none. It is read until Do returns, not later.
	Body []byte
	// Bodies, if not nil, says what Body is for each model server that a [Pool]
	// sends the request to.
	Bodies Bodies

	// Begun is when the time limits began, where this is not the first that is
	// sent of what the client wants; zero: with the call of Do. A [Pool] counts
	// from there over all the servers that it asks.
	Begun            time.Time
	FirstByteTimeout time.Duration // from Begun to the first byte of the response's body
	ResponseTimeout  time.Duration // from Begun to its last byte
	IdleTimeout      time.Duration // between two parts of it, once it has begun: see [Body.CountEvents]

	// Server is the name of the model server that a [Pool] asks first, if it can be
	// asked; empty: the least busy one.
	Server string

	// Caller names for whom the request is, so that one whose requests fail is told
	// from a server that does. Only a hash of it is kept. Requests without a name are
	// one caller's.
	Caller string

	// Aside tells that the request is a question, of which no outcome says how the
	// server fares with what it is for: it is not counted and not judged, and a [Pool]
	// sends it to nobody whose breaker is not closed.
	Aside bool

	// Explain, if not nil, is told of every attempt of a [Pool]. It is called by the
	// goroutine that has called Do.
	Explain func(Attempt)

	// failed, if not nil, is told of a failure of the server.
	failed func(*Server)
	caller uint64 // stands for Caller; a Pool sets it
	how    way    // it comes to the server
	// breaker judges the server by it; nil: the server's own. A Pool sets it.
	breaker *breaker
}

// Bodies is what a request says to model servers that are not told the same.
type Bodies interface {
	// BodyFor returns the body for the server with that name. What it has returned
	// for another one is no longer read.
	BodyFor(server string) []byte
}

// commonFields renders what every request to a server says.
func commonFields(host, apiKey string) string {
	fields := "Host: " + host + "\r\nAccept-Encoding: identity\r\n"
	if apiKey != "" {
		fields += "Authorization: Bearer " + apiKey + "\r\n"
	}
	return fields
}

// begin returns when the time limits began of a request that is sent now.
func (r *Request) begin(now time.Time) time.Time {
	if r.Begun.IsZero() {
		return now
	}
	return r.Begun
}

// appendHead appends the request line and the header block.
func (s *Server) appendHead(b []byte, r *Request) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, s.prefix...)
	b = append(b, r.Path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = append(b, s.fields...)
	if r.Body != nil {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(r.Body)), 10)
		b = append(b, "\r\n"...)
	}
	for _, f := range r.Header {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// check returns why the request cannot be sent, or "".
func (r *Request) check() malformed {
	if !httpsyntax.ValidMethod(r.Method) {
		return "the method is not a word of upper-case letters"
	}
	if !httpsyntax.ValidPath(r.Path) {
		return "the path does not begin with a slash or needs escaping"
	}
	for _, f := range r.Header {
		switch {
		case !httpsyntax.ValidName(f.Name):
			return "the name of a header field has a character that names cannot have"
		case httpsyntax.Reserved(f.Name):
			return "a header field concerns the connection, the body or credentials, which are not the caller's to set"
		case !httpsyntax.ValidValue(f.Value):
			return "the value of a header field has a line break or another control character"
		}
	}
	return ""
}
