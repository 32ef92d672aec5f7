package telemetry

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bufferBytes is how much is gathered before it is written at once.
	bufferBytes = 32 << 10
	// bufferBytesMax is how much waits at most while nothing can be written.
	bufferBytesMax = 1 << 20
	// bufferDelay is how long a line may wait.
	bufferDelay = 50 * time.Millisecond
	// flushTimeout bounds how long Flush waits for whoever takes the lines.
	flushTimeout = time.Second
)

// Buffer gathers lines and writes them together, because a system call per line
// costs more than making the line. A line is written within 50 ms; those of the
// last 50 ms are lost if the process is killed. A gateway goes on without its log:
// what cannot be written (a full disk) is dropped, and where nobody takes what is
// written (a pipe whose reader hangs), 1 MiB waits, and lines beyond that are lost. It
// is safe for concurrent use. Make it with NewBuffer.
type Buffer struct {
	w    io.Writer
	lost func(lines int)
	gone atomic.Int64 // lines that were lost since the start

	writing sync.Mutex // held while w is written to, which may take for ever

	mu      sync.Mutex // held for moments
	lines   []byte
	missing int         // lines that were lost since the last ones were written
	timer   *time.Timer // runs while lines wait
}

// NewBuffer returns a buffer in front of w. lost is called with the number of Writes
// that were lost, once something can be written again; it may write to the
// buffer. It may be nil.
func NewBuffer(w io.Writer, lost func(lines int)) *Buffer {
	b := &Buffer{w: w, lost: lost, lines: make([]byte, 0, bufferBytes)}
	b.timer = time.AfterFunc(time.Hour, b.write)
	b.timer.Stop()
	return b
}

// Write implements io.Writer; p is a whole line or several. It never fails, and
// waits for nobody.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.lines)
	if before+len(p) > bufferBytesMax {
		b.missing++
		b.gone.Add(1)
		return len(p), nil
	}
	b.lines = append(b.lines, p...)
	if before <= bufferBytes && len(b.lines) > bufferBytes {
		b.timer.Reset(0)
	} else if before == 0 {
		b.timer.Reset(bufferDelay)
	}
	return len(p), nil
}

// Lost returns how many lines were lost since the start: those that nobody took, and
// those that could not be written.
func (b *Buffer) Lost() int64 { return b.gone.Load() }

// Flush writes what has been gathered, for a second at most. It is called at the end
// of a process.
func (b *Buffer) Flush() {
	written := make(chan struct{})
	go func() {
		b.write()
		close(written)
	}()
	select {
	case <-written:
	case <-time.After(flushTimeout):
	}
}

// write writes what has been gathered.
func (b *Buffer) write() {
	b.writing.Lock()
	b.mu.Lock()
	lines, missing := b.lines, b.missing
	b.lines, b.missing = make([]byte, 0, bufferBytes), 0
	b.mu.Unlock()
	if len(lines) > 0 {
		if n, err := b.w.Write(lines); err != nil { // to tell it in the log would fail as well
			b.gone.Add(int64(bytes.Count(lines[n:], []byte{'\n'})))
		}
	}
	b.writing.Unlock()
	if missing > 0 && b.lost != nil {
		b.lost(missing)
	}
}
