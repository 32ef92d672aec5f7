package httpclient

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// The states of a body. Who moves it to gone disposes of the connection.
const (
	open     = iota
	complete // every byte has been taken out of the buffer
	gone
)

// Body is the body of a response, with what a reader of streams needs. Errors are
// [ErrBodyClosed] or of type [*Error], and stay. After its end ([io.EOF]) the connection is
// kept for another request; a body has to be closed also then.
//
// One goroutine may read; Close and Part may be called by others meanwhile.
type Body interface {
	// ReadCloser reads what has come in, and waits only where nothing has. Close before
	// the end closes the connection at once, so that the server stops working.
	io.ReadCloser
	// Next returns what has come in, at least a byte and up to 4 KiB, as a view of the
	// connection's buffer: it is valid until the next call of Next, Read or Close.
	Next() ([]byte, error)
	// Await waits for the next byte, or returns the error that is there instead of one.
	Await() error
	// Ready reports whether more has come in, so that Read does not wait.
	Ready() bool
	// EndsWithConnection reports whether nothing but the end of the connection marks that
	// of the body: one that was cut off looks like one that is whole.
	EndsWithConnection() bool
	// Whole reports whether the body has come to its end, once a read or Close has ended it.
	Whole() bool

	// Part tells the server that nobody wants the rest. What it still sends can be read,
	// until nothing has come for a quarter of a second, for a second at most.
	Part()
	// Abandon is Close, and returns when the server has closed its side of the connection,
	// for it has stopped working then, or after a quarter of a second. Only who reads calls it.
	Abandon()

	// CountEvents makes the time limits go by events, of which the reader tells by Event,
	// and not by bytes: neither comments nor pieces of an event that does not end count.
	// The time until an event begins with the first read after the one before.
	CountEvents()
	Event()
	// Delay moves the time limit of the response on by d, which was not spent on waiting
	// for the server. Hurry ends all limits but one: the rest has to come within d.
	Delay(d time.Duration)
	Hurry(d time.Duration)
}

// body is the [Body] of a response on a connection; see there for its methods.
type body struct {
	// The context is that of the request, which the body is the rest of; it
	// tells a cancelled read from a broken one.
	ctx  context.Context
	kept *kept
	conn *conn
	stop func() bool // ends the watch on the context

	framing   framing
	remaining int64 // bytes of the body, or of the chunk
	chunked   bool  // a chunk has been read
	keep      bool
	err       error
	state     atomic.Uint32
	whole     atomic.Bool
}

// begin starts the body behind h.
func (b *body) begin(h head) {
	c := b.conn
	b.framing, b.keep = h.framing, h.keep && c.writeErr == nil
	c.flowing = c.br.Buffered() > 0
	if h.framing == byLength {
		if b.remaining = h.length; b.remaining == 0 {
			_ = b.finish()
		}
	}
}

// Read implements [Body]: without the framing of chunks, and of several chunks at once.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.readPart(p)
	for err == nil && n < len(p) && b.remaining == 0 && b.chunked && anotherChunk(b.conn.br) {
		var more int
		more, err = b.readPart(p[n:])
		n += more
	}
	if n > 0 {
		return n, nil // an error stays, and comes with the next call
	}
	return 0, err
}

// readPart reads from one chunk, or from a body that has none.
func (b *body) readPart(p []byte) (int, error) {
	if err := b.advance(); err != nil {
		return 0, err
	}
	if b.framing != byClose && int64(len(p)) > b.remaining {
		p = p[:b.remaining]
	}
	n, err := b.conn.br.Read(p)
	b.took(n)
	if n == 0 && err != nil {
		return 0, b.ended(err)
	}
	return n, nil
}

func (b *body) Next() ([]byte, error) {
	if err := b.advance(); err != nil {
		return nil, err
	}
	br := b.conn.br
	if _, err := br.Peek(1); err != nil {
		return nil, b.ended(err)
	}
	n := br.Buffered()
	if b.framing != byClose && int64(n) > b.remaining {
		n = int(b.remaining)
	}
	view, _ := br.Peek(n)
	_, _ = br.Discard(n)
	b.took(n)
	return view, nil
}

func (b *body) Await() error {
	if err := b.advance(); err != nil {
		return err
	}
	if _, err := b.conn.br.Peek(1); err != nil {
		return b.ended(err)
	}
	return nil
}

func (b *body) Ready() bool {
	if b.state.Load() != open || b.conn.br.Buffered() == 0 {
		return false
	}
	return b.remaining > 0 || b.framing == byClose || b.chunked && anotherChunk(b.conn.br)
}

func (b *body) EndsWithConnection() bool { return b.framing == byClose }

func (b *body) Whole() bool { return b.whole.Load() }

// Close implements [Body]. Its error is nil.
func (b *body) Close() error {
	b.giveUp((*conn).kill)
	return nil
}

func (b *body) Abandon() { b.giveUp((*conn).partAndWait) }

// giveUp ends the body. Where more of it was to come, it ends the connection so.
func (b *body) giveUp(end func(*conn)) {
	switch b.state.Swap(gone) {
	case complete:
		b.release()
	case open:
		b.stop()
		end(b.conn)
	}
}

func (b *body) Part() {
	if b.state.Load() == open {
		b.conn.part()
	}
}

// advance makes sure that there are bytes of the body to wait for.
func (b *body) advance() error {
	switch {
	case b.err != nil:
		return b.err
	case b.state.Load() == gone:
		b.err = ErrBodyClosed
		return b.err
	case b.remaining > 0 || b.framing == byClose:
		return nil
	case b.framing == byLength:
		return b.finish()
	}
	size, err := nextChunk(b.conn.br, b.chunked)
	if err != nil {
		return b.fail(err)
	}
	if b.remaining, b.chunked = size, true; size == 0 {
		return b.finish()
	}
	return nil
}

// took notes that n bytes have been taken out of the buffer.
func (b *body) took(n int) {
	b.conn.flowing = true
	if b.framing == byClose {
		return
	}
	b.remaining -= int64(n)
	if b.remaining == 0 && b.framing == byLength {
		b.state.CompareAndSwap(open, complete)
	}
}

// ended handles an error of the connection: where the body ends with the
// connection, that is its end.
func (b *body) ended(err error) error {
	if b.framing == byClose && err == io.EOF && b.ctx.Err() == nil {
		return b.finish()
	}
	return b.fail(err)
}

// finish gives the connection back at the end of the body, unless the body was closed meanwhile.
func (b *body) finish() error {
	b.err = io.EOF
	b.state.CompareAndSwap(open, complete)
	if b.state.CompareAndSwap(complete, gone) {
		b.release()
	}
	return b.err
}

// fail closes the connection after an error.
func (b *body) fail(err error) error {
	if b.state.Swap(gone) == gone {
		b.err = ErrBodyClosed
		return b.err
	}
	b.stop()
	b.err = b.conn.failure(b.ctx, err)
	b.conn.closeAfter(err)
	return b.err
}

// release keeps the connection of a body that is whole if the response left it in a state
// that is beyond doubt, and closes it if not.
func (b *body) release() {
	b.whole.Store(true)
	c := b.conn
	if !b.stop() || !b.keep || c.hasParted() || !c.drained() {
		c.kill()
		return
	}
	c.reused = true
	b.kept.put(c, time.Now())
}

func (b *body) CountEvents() {
	if b.state.Load() == open {
		b.conn.events, b.conn.event, b.conn.eventAt = true, false, time.Time{}
	}
}

func (b *body) Event() {
	if b.state.Load() == open { // the connection may be another request's by now
		b.conn.event = true
	}
}

func (b *body) Delay(d time.Duration) {
	if b.state.Load() == open && !b.conn.limits.whole.IsZero() {
		b.conn.limits.whole = b.conn.limits.whole.Add(d)
	}
}

func (b *body) Hurry(d time.Duration) {
	if b.state.Load() == open {
		b.conn.limits = limits{whole: time.Now().Add(d)}
	}
}
