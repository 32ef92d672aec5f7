package http1

import (
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// unsentBytesMax is how much of an answer is held back until it has come to its
	// end, so that its length is known; as in net/http.
	unsentBytesMax = 2 << 10
	// outputBytesMax is how much is gathered before it is written.
	outputBytesMax = 4 << 10
	// copiedBytesMax is the largest piece that is gathered with what comes before
	// it rather than written from where it is.
	copiedBytesMax = 16 << 10
)

// outputs keeps the buffers of answers: each is used from the first byte of one to the last.
var outputs = sync.Pool{New: func() any { return new(output) }}

// output is what is on its way to a client.
type output struct {
	unsent []byte // of a body, before there is a head
	wire   []byte // what is to be written
}

// release keeps the output for another answer.
func (o *output) release() {
	o.unsent, o.wire = o.unsent[:0], o.wire[:0]
	if cap(o.unsent)+cap(o.wire) <= 4*copiedBytesMax {
		outputs.Put(o)
	}
}

// response is the http.ResponseWriter of a connection. As with net/http, it is not
// for concurrent use.
type response struct {
	c       *conn
	header  http.Header
	out     *output // nil: nothing was written yet
	status  int     // 0: none yet
	length  int64   // of the body; -1: not known
	written int64   // of the body, by the handler
	headed  bool    // the head is written, and will not change
	chunked bool
	last    bool // the connection ends after it
	bounded bool // by a deadline of the handler's
	failed  error
}

// begin prepares for an answer.
func (w *response) begin(c *conn) {
	header := w.header
	if header == nil {
		header = make(http.Header)
	}
	*w = response{c: c, header: header, length: -1, last: c.head.close}
}

// reset forgets the header: what a handler has put there may be of the request.
func (w *response) reset() {
	if len(w.header) > headerFieldsMax {
		w.header = nil
	}
	clear(w.header)
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. There are no interim responses.
func (w *response) WriteHeader(status int) {
	if status < 200 || status > 999 {
		panic("http1: the status " + strconv.Itoa(status) + " is none of an answer")
	}
	if w.status != 0 {
		return
	}
	w.status = status
	w.out = outputs.Get().(*output)
	if told := w.header["Content-Length"]; len(told) > 0 {
		if n, err := strconv.ParseUint(told[0], 10, 63); err == nil {
			w.length = int64(n)
		}
	}
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.written += int64(len(p))
	switch {
	case len(p) == 0:
		return 0, w.failed
	case !w.mayHaveBody():
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written > w.length:
		return 0, http.ErrContentLength
	case !w.headed && w.length < 0 && len(w.out.unsent)+len(p) <= unsentBytesMax:
		w.out.unsent = append(w.out.unsent, p...)
		return len(p), w.failed
	}
	w.writeHead(p)
	w.writeBody(p)
	return len(p), w.failed
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is for http.ResponseController.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.writeHead(nil)
	w.send()
	return w.failed
}

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error { return w.c.body.setDeadline(t) }

// SetWriteDeadline is for http.ResponseController. It holds for this answer, and the
// zero time stands for the server's patience.
func (w *response) SetWriteDeadline(t time.Time) error {
	if w.bounded = !t.IsZero(); !w.bounded {
		return nil // see send
	}
	return w.c.setWriteDeadline(t)
}

// end completes the answer when the handler has returned. It reports whether the
// connection is good for another one.
func (w *response) end() bool {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.headed && w.length < 0 && w.mayHaveBody() && (!w.isHead() || w.written > 0) {
		w.length = w.written
	}
	w.writeHead(nil)
	if w.chunked {
		w.out.wire = append(w.out.wire, "0\r\n\r\n"...)
	}
	if !w.isHead() && w.mayHaveBody() && w.length >= 0 && w.written != w.length {
		w.last = true // the client is owed what will not come
	}
	w.send()
	w.out.release()
	w.out = nil
	return !w.last && w.failed == nil
}

// mayHaveBody reports whether the status goes with a body.
func (w *response) mayHaveBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// isHead reports whether it is an answer to HEAD, which has no body but tells of it.
func (w *response) isHead() bool { return w.c.head.method == http.MethodHead }

// writeBody adds a piece of the body.
func (w *response) writeBody(p []byte) {
	if w.isHead() {
		return
	}
	if w.chunked {
		w.out.wire = strconv.AppendUint(w.out.wire, uint64(len(p)), 16)
		w.out.wire = append(w.out.wire, "\r\n"...)
	}
	if len(p) <= copiedBytesMax {
		w.out.wire = append(w.out.wire, p...)
	} else {
		w.send(p)
	}
	if w.chunked {
		w.out.wire = append(w.out.wire, "\r\n"...)
	}
	if len(w.out.wire) > outputBytesMax {
		w.send()
	}
}

// send writes what is gathered, and a piece behind it.
func (w *response) send(piece ...[]byte) {
	wire := w.out.wire
	w.out.wire = wire[:0]
	if w.failed != nil || len(wire)+len(piece) == 0 {
		return
	}
	if !w.bounded {
		w.failed = w.c.extendWrites()
	}
	switch {
	case w.failed != nil:
	case len(piece) == 0:
		_, w.failed = w.c.TCPConn.Write(wire)
	default:
		both := net.Buffers{wire, piece[0]}
		_, w.failed = both.WriteTo(w.c.TCPConn)
	}
	if w.failed != nil {
		w.c.gone()
	}
}
