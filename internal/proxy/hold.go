package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

const (
	// bytesWait is when to come back to a gateway that holds as many bytes as it may.
	bytesWait = time.Second
	// spareBytes is what each exchange has beside its buffers, in which an answer can
	// be passed on where there is no room for it.
	spareBytes = 4 << 10
	// eventCopies is how many times an event that the scanner holds a buffer for may be in
	// the answer, whose buffer grows by doubling.
	eventCopies = 2
	// patchBytes is how much longer a request may become that is patched, its model's
	// name apart.
	patchBytes = 1 << 10
)

// errNoRoom ends what there are no bytes left for.
var errNoRoom = errors.New("as many bytes are held as may be")

func newExchange() *exchange {
	x := new(exchange)
	x.scanner.Bound(x.coverScan)
	return x
}

// CutOff implements buffer.Client.
func (x *exchange) CutOff() {
	for w := x.w; w != nil; {
		switch known := w.(type) {
		case interface{ CutOff() }: // of http1
			known.CutOff()
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = known.Unwrap()
		default: // one that a test made up
			return
		}
	}
}

// bytesHeld returns how many bytes the exchange holds, or may at any time.
func (x *exchange) bytesHeld() int64 {
	scan := x.scanner.Held()
	answer := max(cap(x.answer), eventCopies*scan)
	return int64(cap(x.body) + cap(x.patched) + answer + scan + spareBytes)
}

// covers reports whether n bytes more may be held, and counts them.
func (x *exchange) covers(n int) bool { return x.share.Cover(x.bytesHeld() + int64(n)) }

// coverOwn counts the buffers that were kept from the request before. Where there is no
// room for them, they are let go.
func (x *exchange) coverOwn() bool {
	if x.share.Cover(x.bytesHeld()) {
		return true
	}
	x.body, x.patched, x.answer = nil, nil, nil
	return x.share.Cover(x.bytesHeld())
}

// growBody makes room for n bytes more of the client's body.
func (x *exchange) growBody(n int) bool {
	n += len(x.body)
	if !x.share.CoverBody(x.bytesHeld() + int64(n-cap(x.body))) {
		return false
	}
	x.body = resized(x.body, n)
	return true
}

// coverCopy counts the body as it will be sent, patched, beside the one that has come.
func (x *exchange) coverCopy() bool {
	return x.share.CoverBody(x.bytesHeld() + int64(x.copyBytes()))
}

// copyBytes returns how much of that there is no buffer for yet.
func (x *exchange) copyBytes() int {
	n := len(x.body) + len(x.body)/8 + patchBytes // what is allocated is rounded up
	return max(0, n-cap(x.patched))
}

// dropBody lets the request go that the model server has read.
func (x *exchange) dropBody() {
	if cap(x.body)+cap(x.patched) > pooledBytesMax {
		x.body, x.patched = nil, nil
		x.share.Shrink(x.bytesHeld())
	}
}

// coverScan counts a buffer of so many bytes that the scanner is about to make for an
// event, and the answer that the event becomes, while the old buffers are there too. It
// reports whether there is room.
func (x *exchange) coverScan(size int) bool {
	return x.share.Cover(x.bytesHeld() + int64(size+eventCopies*size))
}

// mayGather reports whether another event may be gathered in x.answer before that is
// written, and counts what it may grow by. There is always room for one.
func (x *exchange) mayGather() bool {
	return cap(x.answer)-len(x.answer) >= viewBytes || x.covers(2*cap(x.answer)+viewBytes)
}

// letGo empties the buffer of the answer, which has been written, and gives it back
// where it is large.
func (x *exchange) letGo() {
	if x.answer = x.answer[:0]; cap(x.answer) > pooledBytesMax {
		x.answer = nil
		x.share.Shrink(x.bytesHeld())
	}
}

// readUpTo appends at most n bytes of r to the answer, as far as there is room; what comes
// after is left. It returns what has ended r, io.EOF or an error; nil where nothing has.
func (x *exchange) readUpTo(r io.Reader, n int) error {
	for len(x.answer) < n {
		if len(x.answer) == cap(x.answer) {
			size := min(max(spareBytes, 2*cap(x.answer)), n)
			if !x.covers(size) {
				return nil
			}
			x.answer = resized(x.answer, size)
		}
		k, err := r.Read(x.answer[len(x.answer):min(n, cap(x.answer))])
		x.answer = x.answer[:len(x.answer)+k]
		if err != nil {
			return err
		}
	}
	return nil
}

// resized returns what is in b in a buffer of n bytes.
func resized(b []byte, n int) []byte { return append(make([]byte, 0, n), b...) }

// whyLeft returns why the client is gone.
func (x *exchange) whyLeft() error {
	if x.share.WasCut() {
		return failure.CutOff()
	}
	return context.Canceled
}
