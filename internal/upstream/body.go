package upstream

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

// Body is the body of a response. After its end ([io.EOF]) the connection is
// kept for another request; before it, Close closes the connection. Errors are
// of type [*Error] and stay. A body has to be closed also after its end: only then
// is a whole answer known to be a good one.
//
// One goroutine may read; Close may be called by another meanwhile.
type Body struct {
	// The context is that of the request, which the body is the rest of; it
	// tells a cancelled read from a broken one.
	ctx    context.Context
	server *Server
	conn   *conn
	stop   func() bool // ends the watch on the context

	framing framing
	left    int64 // bytes of the body, or of the chunk
	chunked bool  // a chunk has been read
	keep    bool
	err     error
	state   atomic.Uint32

	visit  visit
	judged atomic.Bool
	whole  atomic.Bool // it has come to its end
}

// open starts the body behind h.
func (b *Body) open(ctx context.Context, s *Server, c *conn, h head, stop func() bool) {
	b.ctx, b.server, b.conn, b.stop = ctx, s, c, stop
	b.framing, b.keep = h.framing, h.keep && c.writeErr == nil
	c.flowing = c.br.Buffered() > 0
	if h.framing == byLength {
		b.left = h.length
	}
	if h.framing == byLength && h.length == 0 {
		b.state.Store(complete)
		_ = b.finish()
	}
}

// Read reads the body, without the framing of chunks. It returns what has come
// in, of several chunks too, and waits only where nothing has.
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.readPart(p)
	for err == nil && n < len(p) && b.left == 0 && b.chunked && anotherChunk(b.conn.br) {
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
func (b *Body) readPart(p []byte) (int, error) {
	if err := b.advance(); err != nil {
		return 0, err
	}
	if b.framing != byClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.conn.br.Read(p)
	b.took(n)
	if n == 0 && err != nil {
		return 0, b.ended(err)
	}
	return n, nil
}

// Next returns the next bytes of the body, at least one and as many as have
// come in, up to 4 KiB. They are a view of the connection's buffer, valid until
// the next call of Next, Read or Close: a scanner of stream events needs no
// buffer of its own for lines that are whole.
func (b *Body) Next() ([]byte, error) {
	if err := b.advance(); err != nil {
		return nil, err
	}
	br := b.conn.br
	if _, err := br.Peek(1); err != nil {
		return nil, b.ended(err)
	}
	n := br.Buffered()
	if b.framing != byClose && int64(n) > b.left {
		n = int(b.left)
	}
	view, _ := br.Peek(n)
	_, _ = br.Discard(n)
	b.took(n)
	return view, nil
}

// Ready reports whether more of the body has come in that was not read yet: Read
// does not wait then. A reader that may flush what it has written should, where
// it is false.
func (b *Body) Ready() bool {
	if b.state.Load() != open || b.conn.br.Buffered() == 0 {
		return false
	}
	return b.left > 0 || b.framing == byClose || b.chunked && anotherChunk(b.conn.br)
}

// EndsWithConnection reports whether nothing but the end of the connection marks
// that of the body: one that was cut off looks like one that is whole.
func (b *Body) EndsWithConnection() bool { return b.framing == byClose }

// Close gives the body up. Before its end that closes the connection at once,
// so that the model server stops generating; that it has stopped is what Abandon
// waits for. After the end it does nothing.
func (b *Body) Close() error {
	switch b.state.Swap(gone) {
	case complete:
		b.release()
		b.visit.leave()
		b.whole.Store(true)
	case open:
		b.stop()
		b.conn.kill()
		b.visit.leave()
	}
	b.conclude()
	return nil
}

// conclude judges the model server by an answer that is closed.
func (b *Body) conclude() {
	if b.whole.Load() {
		b.judge(wentWell)
	}
}

// Part tells the model server that nobody wants the rest. What it still sends can
// be read, until nothing has come for a quarter of a second, for a second at most;
// then the body must be closed.
func (b *Body) Part() {
	if b.state.Load() == open {
		b.conn.part()
	}
}

// Abandon gives the body up as Close does, and returns when the model server has
// closed its side of the connection, for it has stopped generating then, or after
// a quarter of a second. It is for the goroutine that reads.
func (b *Body) Abandon() {
	switch b.state.Swap(gone) {
	case complete:
		b.release()
		b.visit.leave()
		b.whole.Store(true)
	case open:
		b.stop()
		b.conn.leave()
		b.visit.leave()
	}
	b.conclude()
}

// Blame says that the model server has failed although what it sent is proper
// HTTP: it is an error, or not whole. It may be called until the body is closed,
// also after its end, and counts once.
func (b *Body) Blame() { b.judge(wentWrong) }

// excuse says that the answer, whatever it is, is none to judge the model server
// by.
func (b *Body) excuse() { b.judge(saysNothing) }

// judge lets the model server be judged by the answer, the first time that it is
// called.
func (b *Body) judge(o outcome) {
	if !b.judged.Swap(true) {
		b.visit.judge(o)
	}
}

// judgeStatus judges the answer by its status, if that says all.
func (b *Body) judgeStatus(status int) {
	if o, ok := outcomeOf(status); ok {
		b.judge(o)
	}
}

// flow notes that an answer with this status has begun, unless it is over. One that
// tells its length is made, and comes at once.
func (b *Body) flow(status int) {
	if status < 300 && b.framing != byLength && b.state.Load() == open {
		b.visit.flow()
	}
}

// await waits for the first byte of the body, or for its end.
func (b *Body) await() error {
	err := b.advance()
	if err == nil {
		if _, failed := b.conn.br.Peek(1); failed != nil {
			err = b.ended(failed)
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// advance makes sure that there are bytes of the body to wait for.
func (b *Body) advance() error {
	if b.err != nil {
		return b.err
	}
	if b.state.Load() == gone {
		b.err = ErrBodyClosed
		return b.err
	}
	if b.left > 0 || b.framing == byClose {
		return nil
	}
	if b.framing == byLength {
		return b.finish()
	}
	return b.advanceChunk()
}

func (b *Body) advanceChunk() error {
	size, err := nextChunk(b.conn.br, b.chunked)
	if err != nil {
		return b.fail(err)
	}
	b.left, b.chunked = size, true
	if size == 0 {
		b.state.CompareAndSwap(open, complete)
		return b.finish()
	}
	return nil
}

// took notes that n bytes have been taken out of the buffer.
func (b *Body) took(n int) {
	b.conn.flowing = true
	if b.framing == byClose {
		return
	}
	b.left -= int64(n)
	if b.left == 0 && b.framing == byLength {
		b.state.CompareAndSwap(open, complete)
	}
}

// ended handles an error of the connection: where the body ends with the
// connection, that is its end.
func (b *Body) ended(err error) error {
	if b.framing == byClose && err == io.EOF && b.ctx.Err() == nil {
		b.state.CompareAndSwap(open, complete)
		return b.finish()
	}
	return b.fail(err)
}

// finish gives the connection back at the end of the body.
func (b *Body) finish() error {
	b.err = io.EOF
	if b.state.CompareAndSwap(complete, gone) {
		b.release()
		b.visit.leave()
		b.whole.Store(true)
	}
	return b.err
}

// fail closes the connection after an error.
func (b *Body) fail(err error) error {
	switch b.state.Swap(gone) {
	case gone:
		b.err = ErrBodyClosed
	default:
		b.stop()
		failure, left := b.conn.failure(b.ctx, err), b.conn.hasParted()
		b.err = failure
		b.conn.closeAfter(err)
		b.visit.leave()
		if !left {
			b.judge(failure.outcome())
		}
	}
	return b.err
}

// release keeps the connection if the response left it in a state that is
// beyond doubt, and closes it if not.
func (b *Body) release() {
	c := b.conn
	if !b.stop() || !b.keep || c.hasParted() || !c.drained() {
		c.kill()
		return
	}
	c.reused = true
	b.server.kept.put(c, time.Now())
}
