package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// bufferBytes is how much is gathered before it is written at once.
	bufferBytes = 32 << 10
	// bufferDelay is how long a line may wait.
	bufferDelay = 50 * time.Millisecond
)

// Buffer gathers lines and writes them together, because a system call per line
// costs more than making the line. A line is written within 50 ms; those of the
// last 50 ms are lost if the process is killed. What cannot be written (a full
// disk) is dropped: a gateway goes on without its log. It is safe for concurrent
// use. Make it with NewBuffer.
type Buffer struct {
	w io.Writer

	mu    sync.Mutex
	lines []byte
	timer *time.Timer // runs while lines wait
}

// NewBuffer returns a buffer in front of w.
func NewBuffer(w io.Writer) *Buffer {
	b := &Buffer{w: w, lines: make([]byte, 0, bufferBytes)}
	b.timer = time.AfterFunc(time.Hour, b.Flush)
	b.timer.Stop()
	return b
}

// Write implements io.Writer; p is a whole line or several. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(p) > bufferBytes {
		b.flush()
	}
	if len(b.lines) == 0 {
		b.timer.Reset(bufferDelay)
	}
	b.lines = append(b.lines, p...)
	return len(p), nil
}

// Flush writes what has been gathered. It is called at the end of a process.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *Buffer) flush() {
	if len(b.lines) > 0 {
		_, _ = b.w.Write(b.lines)
		b.lines = b.lines[:0]
	}
}
