package http1

import (
	"bytes"
	"io"
	"sync"
)

// inputBytes is how much is read of a request at once, and the size from which on a
// head is not plain.
const inputBytes = 4 << 10

// inputs keeps buffers. A connection has one only while it waits, and while something is in it.
var inputs = sync.Pool{New: func() any { return new([inputBytes]byte) }}

// input is what has come from a client and is not used yet. The zero value is empty.
type input struct {
	buffer     *[inputBytes]byte // nil: empty
	start, end int
}

func (i *input) len() int { return i.end - i.start }

// bytes returns what there is, valid until the next call.
func (i *input) bytes() []byte {
	if i.buffer == nil {
		return nil
	}
	return i.buffer[i.start:i.end]
}

// fill waits for something more, for which there has to be room.
func (i *input) fill(r io.Reader) error {
	if i.buffer == nil {
		i.buffer = inputs.Get().(*[inputBytes]byte)
	}
	i.end = copy(i.buffer[:], i.bytes())
	i.start = 0
	n, err := r.Read(i.buffer[i.end:])
	i.end += n
	if n > 0 {
		return nil // what is wrong comes again
	}
	return err
}

// take takes n bytes away, of which there have to be as many.
func (i *input) take(n int) {
	i.start += n
	if i.start == i.end {
		i.release()
	}
}

// skipLines takes away the line ends among the first n bytes.
func (i *input) skipLines(n int) {
	b := i.bytes()
	b = b[:min(n, len(b))]
	i.take(len(b) - len(bytes.TrimLeft(b, "\r\n")))
}

// read moves bytes to p.
func (i *input) read(p []byte) int {
	n := copy(p, i.bytes())
	i.take(n)
	return n
}

// release makes it empty.
func (i *input) release() {
	if i.buffer != nil {
		inputs.Put(i.buffer)
	}
	*i = input{}
}
