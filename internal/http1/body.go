package http1

import (
	"io"
	"net/http"
	"time"
)

// body is the body of a request.
type body struct {
	c         *conn
	remaining int64     // not yet read
	till      time.Time // when reading fails; zero: never
	closed    bool
	failed    error // what ended it early; it has no end then
}

// Read implements io.Reader. The last bytes come with io.EOF.
func (b *body) Read(p []byte) (n int, err error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.failed != nil:
		return 0, b.failed
	case b.remaining == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case int64(len(p)) > b.remaining:
		p = p[:b.remaining]
	}
	if b.c.in.len() > 0 {
		n = b.c.in.read(p)
	} else if err = b.c.setReadDeadline(b.till); err == nil {
		n, err = b.c.TCPConn.Read(p)
	}
	b.remaining -= int64(n)
	switch {
	case b.remaining == 0:
		return n, io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	b.failed = err
	return n, err
}

// Close implements io.Closer. What has not been read stays where it is.
func (b *body) Close() error {
	b.closed = true
	return nil
}

// droppedBytesMax is how much of a body that nobody has read is waited for so that its
// connection can be kept; as in net/http.
const droppedBytesMax = 256 << 10

// drop ends the reading, because an answer begins. The rest of the body is passed over: what
// has come of it, and, with wait, what comes of it in time. It reports whether that is all.
func (b *body) drop(wait bool) (complete bool) {
	if b.remaining == 0 {
		return true
	}
	if b.failed == nil {
		b.failed = http.ErrBodyReadAfterClose // as with net/http
	}
	n := min(b.remaining, int64(b.c.in.len()))
	b.c.in.take(int(n))
	b.remaining -= n
	if wait && b.remaining <= droppedBytesMax && b.c.setReadDeadline(b.till) == nil {
		n, _ := io.CopyN(io.Discard, b.c, b.remaining)
		b.remaining -= n
	}
	return b.remaining == 0
}

// setDeadline bounds the reading. What has come is read whenever it is.
func (b *body) setDeadline(t time.Time) error {
	b.till = t
	if b.remaining <= int64(b.c.in.len()) {
		return nil
	}
	return b.c.setReadDeadline(t)
}
