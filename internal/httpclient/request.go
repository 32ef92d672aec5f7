package httpclient

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
	Path   string // begins with a slash; appended to the base path of the URL
	// Header is sent in order. It must not hold what this package writes itself (Host,
	// Content-Type, Content-Length, Accept-Encoding), what concerns the connection, or credentials:
	// those are an Invalid error, so that a mistake in a list of fields cannot leak them.
	Header []Field
	// Body is JSON; nil sends none. It is read until Do returns, not later.
	Body []byte

	// Begun is when the time limits began, where this is not the first that is sent of
	// what is wanted; zero: with the call of Do.
	Begun            time.Time
	FirstByteTimeout time.Duration // from Begun to the first byte of the response's body
	ResponseTimeout  time.Duration // from Begun to its last byte
	IdleTimeout      time.Duration // between two parts of it, once it has begun: see [Body]
}

// commonFields renders what every request to a server says.
func commonFields(host, apiKey string) string {
	fields := "Host: " + host + "\r\nAccept-Encoding: identity\r\n"
	if apiKey != "" {
		fields += "Authorization: Bearer " + apiKey + "\r\n"
	}
	return fields
}

// appendHead appends the request line and the header block.
func (cl *Client) appendHead(b []byte, r *Request) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, cl.prefix...)
	b = append(b, r.Path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = append(b, cl.fields...)
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
			return "a header field concerns the connection, the body or credentials, " +
				"which are not to be set"
		case !httpsyntax.ValidValue(f.Value):
			return "the value of a header field has a line break or another control character"
		}
	}
	return ""
}
