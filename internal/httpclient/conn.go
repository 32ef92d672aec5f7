package httpclient

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	readBufferBytes = 4 << 10
	// Request bodies up to joinedBytes are copied behind the head, so that one Write carries both.
	joinedBytes = 8 << 10
	// Request bodies up to inlineBytes fit into the socket buffers of both ends,
	// so that their Write does not wait for the server to read. Larger ones are
	// written by a goroutine, because a server may answer (413, say) without
	// reading, and the answer must be seen while the Write is stuck.
	inlineBytes = 64 << 10
	// grace is how long a read goes on after a failed write, to see the response
	// that explains it, and a write after the response.
	grace = 50 * time.Millisecond
)

// conn is a connection with the exchange that it is being used for. It belongs to one goroutine at
// a time, and while idle to those kept; only kill may be called by others.
type conn struct {
	address string
	raw     net.Conn // TCP
	stream  net.Conn // TLS, or the same as raw
	br      *bufio.Reader
	probe   probe
	acks    acks
	parting func() // part, kept because a method value per exchange would be allocated

	reused    bool // an exchange was completed on it before
	idleSince time.Time

	// The running exchange.
	limits   limits
	deadline time.Time    // as last set on the connection
	phase    Phase        // what that deadline is for
	started  bool         // a byte of the response has been received
	flowing  bool         // a byte of the response's body has been received
	events   bool         // the body is one of events, which the time limits go by
	event    bool         // there was one since the last read
	eventAt  time.Time    // when that read began; zero: there was none yet
	reads    int          // of a stream's body
	parted   atomic.Int64 // when, in Unix nanoseconds; 0: not yet
	writeErr error
	writing  chan error // of the goroutine that writes a large body; else nil
}

func newConn(address string, raw, stream net.Conn) *conn {
	c := &conn{address: address, raw: raw, stream: stream}
	c.br = bufio.NewReaderSize(c, readBufferBytes)
	c.parting = c.part
	c.probe.watch(raw)
	c.acks.watch(raw)
	return c
}

// kill closes the connection at once and may be called at any time, by anyone. TLS is not closed
// politely: that would wait for a lock that a blocked write holds, and nobody reads the alert.
func (c *conn) kill() { _ = c.raw.Close() }

// partGrace is how long a server has to close a connection whose request
// was given up. It does so once it has noticed, and has then stopped working on
// the request: uvicorn and Go's server close at the end of a client's bytes.
//
// partMost bounds it where more and more comes: what was on its way, or the
// tokens of a server that goes on.
const (
	partGrace = 250 * time.Millisecond
	partMost  = time.Second
)

// part ends our side of the connection: nobody wants the answer any more. Like
// kill it may be called at any time, by anyone; whoever reads gets what the server
// still sends, until it closes its side or the grace is over.
func (c *conn) part() {
	now := time.Now()
	if !c.parted.CompareAndSwap(0, now.UnixNano()) {
		return
	}
	if half, ok := c.raw.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		c.kill()
		return
	}
	_ = c.raw.SetDeadline(now.Add(partGrace))
}

// hasParted reports whether part was called.
func (c *conn) hasParted() bool { return c.parted.Load() != 0 }

// partAndWait closes the connection of a request that is given up, and returns when the server has
// stopped working on it or has had the time to. It is for the goroutine that reads.
func (c *conn) partAndWait() {
	c.part()
	if c.arm(time.Now()) == nil {
		_, _ = io.Copy(io.Discard, c.raw)
	}
	c.kill()
}

// begin prepares c for an exchange.
func (c *conn) begin(l limits, now time.Time) error {
	c.limits = l
	c.started, c.flowing, c.reads, c.writeErr = false, false, 0, nil
	c.events, c.event, c.eventAt = false, false, time.Time{}
	return c.arm(now)
}

// Read fills the buffer in front of it. It is the one place where an exchange
// waits for the server, so the time limits are kept here.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.arm(time.Now()); err != nil {
		return 0, err
	}
	c.spareAcks()
	n, err := c.stream.Read(p)
	c.started = c.started || n > 0
	return n, err
}

// spareAcksEvery is after how many reads of a stream it is asked again for fewer
// acknowledgements. A pause between two events ends that, so that it is of use to
// ask; a server that waits for them before it writes on (Nagle's algorithm,
// which few have not switched off) is held up for 40 ms each time.
const spareAcksEvery = 256

// spareAcks asks for fewer acknowledgements while a stream is being read.
func (c *conn) spareAcks() {
	if !c.flowing || c.limits.idle <= 0 {
		return
	}
	if c.reads%spareAcksEvery == 0 {
		c.acks.spare()
	}
	c.reads++
}

// arm sets the connection's deadline. Setting one costs more than a small
// read, so it is set late by the slack and left alone until it is too early.
func (c *conn) arm(now time.Time) error {
	err := c.armFor(now)
	// Parting may have come in between, whose deadline must stand.
	if at := c.parted.Load(); at != 0 {
		c.deadline = unknown
		by := now.Add(partGrace)
		if last := time.Unix(0, at).Add(partMost); last.Before(by) {
			by = last
		}
		return c.raw.SetDeadline(by)
	}
	return err
}

// armFor is arm for a connection that is in use.
func (c *conn) armFor(now time.Time) error {
	since, flowing := now, c.flowing
	if c.events {
		if c.event {
			c.event, c.eventAt = false, now
		}
		since, flowing = c.eventAt, !c.eventAt.IsZero()
	}
	by, slack, phase := c.limits.next(since, flowing)
	c.phase = phase
	if by.IsZero() {
		if c.deadline.IsZero() {
			return nil
		}
		c.deadline = by
		return c.raw.SetDeadline(by)
	}
	late := by.Add(slack)
	if !c.deadline.Before(by) && !c.deadline.After(late) {
		return nil
	}
	c.deadline = late
	return c.raw.SetDeadline(late)
}

// send writes the request and returns head, with the capacity that it has now. An error is kept,
// not returned: the server may have answered before it closed, and then the answer is what counts.
func (c *conn) send(head, body []byte) []byte {
	if len(body) <= joinedBytes {
		head = append(head, body...)
		_, c.writeErr = c.stream.Write(head)
	} else {
		parts := net.Buffers{head, body}
		_, c.writeErr = parts.WriteTo(c.stream)
	}
	c.hurry(c.writeErr)
	return head
}

// sendLarge writes the request while the response is already being awaited.
func (c *conn) sendLarge(head, body []byte) {
	done := make(chan error, 1)
	c.writing = done
	go func() {
		parts := net.Buffers{head, body}
		_, err := parts.WriteTo(c.stream)
		c.hurry(err)
		done <- err
	}()
}

// drained reports whether nothing that has been read is still waiting in a buffer. What lies in the
// socket is the probe's to find; TLS, which may have decrypted more than was asked for, tells only
// when read, with a deadline that keeps it from waiting.
func (c *conn) drained() bool {
	if c.br.Buffered() > 0 || c.stream == c.raw {
		return c.br.Buffered() == 0
	}
	c.deadline = unknown
	if c.raw.SetReadDeadline(unknown) != nil {
		return false
	}
	n, err := c.stream.Read(make([]byte, 1))
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// hurry makes a read that waits for the response end soon after a failed
// write. It leaves c.deadline alone, which a writing goroutine must not touch;
// arm therefore does not undo it within the same phase.
func (c *conn) hurry(err error) {
	if err != nil && !c.hasParted() {
		_ = c.raw.SetReadDeadline(time.Now().Add(grace))
	}
}

// join waits for the goroutine that writes the body, if there is one. Whoever
// has seen the response no longer needs to send: a write that is still stuck
// after a moment is given up, and the connection with it.
func (c *conn) join() {
	if c.writing != nil {
		_ = c.raw.SetWriteDeadline(time.Now().Add(grace))
		c.writeErr = <-c.writing
		c.writing = nil
		c.deadline = unknown
	}
	if c.writeErr != nil {
		c.writeErr = errUnread
		c.deadline = unknown
	}
}

// errUnread explains what goes wrong after a response that came too early.
var errUnread = errors.New("the server answered without reading the request")

// closeAfter closes the connection after an error of reading. A server
// that has got the request and has not closed may still be working on it.
func (c *conn) closeAfter(err error) {
	_, bad := err.(malformed)
	if c.writeErr == nil && !c.hasParted() && (bad || errors.Is(err, os.ErrDeadlineExceeded)) {
		c.partAndWait()
		return
	}
	c.kill()
}

// abandon closes the connection after an error of reading and waits for the
// goroutine that writes the body, which nobody reads any more after this.
func (c *conn) abandon(err error) {
	select {
	case c.writeErr = <-c.writing: // nil where nobody writes, and never ready
		c.writing = nil
	default:
	}
	c.closeAfter(err)
	if c.writing != nil {
		if err := <-c.writing; !c.hasParted() && !errors.Is(err, net.ErrClosed) {
			c.writeErr = err
		}
		c.writing = nil
	}
}
