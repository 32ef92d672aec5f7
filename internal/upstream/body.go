package upstream

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// Body is the body of a response, by which the model server is judged. Errors are
// [httpclient.ErrBodyClosed] or of type [*Error], and stay. A body has to be closed also
// after its end: only then is a whole answer known to be a good one.
//
// One goroutine may read; Close may be called by another meanwhile.
type Body struct {
	httpclient.Body
	run    run
	err    error
	over   atomic.Bool // the run has ended
	parted atomic.Bool
	judged atomic.Bool
}

// Read implements [io.Reader]: see [httpclient.Body].
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.Body.Read(p)
	if err != nil {
		err = b.failed(err)
	}
	return n, err
}

// Next returns the next bytes of the body as a view: see [httpclient.Body].
func (b *Body) Next() ([]byte, error) {
	view, err := b.Body.Next()
	if err != nil {
		err = b.failed(err)
	}
	return view, err
}

// Close gives the body up. Before its end that closes the connection at once,
// so that the model server stops generating; that it has stopped is what Abandon
// waits for. After the end it does nothing.
func (b *Body) Close() error {
	err := b.Body.Close()
	b.conclude()
	return err
}

// Abandon gives the body up as Close does, and returns when the model server has
// stopped, or after a quarter of a second. It is for the goroutine that reads.
func (b *Body) Abandon() {
	b.Body.Abandon()
	b.conclude()
}

// Part tells the model server that nobody wants the rest, of which what still comes can
// be read: see [httpclient.Body]. What becomes of it says nothing about the server.
func (b *Body) Part() {
	b.parted.Store(true)
	b.Body.Part()
}

// Conclude says that the answer has come to its end, as its reader understands it: the model server
// has done well, whatever comes. The rest of the body must come within the patience given.
func (b *Body) Conclude(patience time.Duration) {
	b.judge(wentWell)
	b.Hurry(patience)
}

// Blame says that the model server has failed although what it sent is proper HTTP: it is an error,
// or not whole. It may be called until the body is closed, also after its end, and counts once.
func (b *Body) Blame() { b.judge(wentWrong) }

// conclude judges the model server by an answer that is closed.
func (b *Body) conclude() {
	b.end()
	if b.Whole() {
		b.judge(wentWell)
	}
}

// judge lets the model server be judged by the answer, the first time that it is called.
func (b *Body) judge(s sign) {
	if !b.judged.Swap(true) {
		b.run.judge(s)
	}
}

// end ends the run, the first time that it is called.
func (b *Body) end() {
	if !b.over.Swap(true) {
		b.run.end()
	}
}

// failed notes an error of reading, the end too, and returns it as those of this package.
func (b *Body) failed(err error) error {
	if b.err != nil {
		return b.err
	}
	b.end()
	if b.err = err; err != io.EOF && err != httpclient.ErrBodyClosed {
		failure := asError(err)
		b.err = failure
		if !b.parted.Load() {
			b.judge(failure.sign())
		}
	}
	return b.err
}

// await waits until the body of an answer with this status has begun, or has ended.
// One that tells its length is made, and comes at once.
func (b *Body) await(r *Response) error {
	if err := b.Await(); err != nil {
		if err = b.failed(err); err != io.EOF {
			return err
		}
	}
	if r.Status < 300 && r.ContentLength < 0 && !b.over.Load() {
		b.run.flow()
	}
	return nil
}
