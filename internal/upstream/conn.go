package upstream

import (
	"bufio"
	"errors"
	"net"
	"os"
	"time"
)

const (
	readBufferBytes = 4 << 10
	// Request bodies up to joinedBytes are copied behind the head, so that one
	// Write carries both.
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

// conn is a connection with the exchange that it is being used for. It belongs
// to one goroutine at a time, and while idle to the pool; only kill may be
// called by others.
type conn struct {
	address string
	raw     net.Conn // TCP
	stream  net.Conn // TLS, or the same as raw
	br      *bufio.Reader
	probe   probe
	killer  func() // kill, kept because a method value per exchange would be allocated

	reused    bool // an exchange was completed on it before
	idleSince time.Time

	// The running exchange.
	limits   limits
	deadline time.Time // as last set on the connection
	phase    Phase     // what that deadline is for
	started  bool      // a byte of the response has been received
	flowing  bool      // a byte of the response's body has been received
	writeErr error
	writing  chan error // of the goroutine that writes a large body; else nil
}

func newConn(address string, raw, stream net.Conn) *conn {
	c := &conn{address: address, raw: raw, stream: stream}
	c.br = bufio.NewReaderSize(c, readBufferBytes)
	c.killer = c.kill
	c.probe.watch(raw)
	return c
}

// kill closes the connection at once and may be called at any time, by anyone.
// TLS is not closed politely: that would wait for a lock that a blocked write
// holds, and nobody reads the alert.
func (c *conn) kill() { _ = c.raw.Close() }

// begin prepares c for an exchange.
func (c *conn) begin(l limits, now time.Time) error {
	c.limits = l
	c.started, c.flowing, c.writeErr = false, false, nil
	return c.arm(now)
}

// Read fills the buffer in front of it. It is the one place where an exchange
// waits for the model server, so the time limits are kept here.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.arm(time.Now()); err != nil {
		return 0, err
	}
	n, err := c.stream.Read(p)
	c.started = c.started || n > 0
	return n, err
}

// arm sets the connection's deadline. Setting one costs more than a small
// read, so it is set late by the slack and left alone until it is too early.
func (c *conn) arm(now time.Time) error {
	by, slack, phase := c.limits.next(now, c.flowing)
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

// send writes the request and returns head, with the capacity that it has now.
// An error is kept, not returned: the server may have answered before it
// closed, and then the answer is what counts.
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

// drained reports whether nothing that has been read is still waiting in a
// buffer. What lies in the socket is the probe's to find; TLS, which may have
// decrypted more than was asked for, tells only when read, with a deadline that
// keeps it from waiting.
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
	if err != nil {
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
var errUnread = errors.New("the model server answered without reading the request")

// abandon closes the connection and waits for the goroutine that writes the
// body, which belongs to the caller again after this.
func (c *conn) abandon() {
	c.kill()
	if c.writing != nil {
		if err := <-c.writing; !errors.Is(err, net.ErrClosed) {
			c.writeErr = err
		}
		c.writing = nil
	}
}
