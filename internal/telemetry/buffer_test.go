package telemetry

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes keeps what each call of Write got.
type writes struct {
	mu  sync.Mutex
	all []string
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), w.err
}

func (w *writes) list() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.all...)
}

func TestLinesAreWrittenTogetherAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{}
		b := NewBuffer(w)
		b.Write([]byte("one\n"))
		b.Write([]byte("two\n"))
		time.Sleep(bufferDelay - 1)
		synctest.Wait()
		if got := w.list(); len(got) != 0 {
			t.Errorf("%q was written too soon", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := w.list(); len(got) != 1 || got[0] != "one\ntwo\n" {
			t.Errorf("written: %q", got)
		}
		b.Write([]byte("three\n"))
		b.Flush()
		if got := w.list(); len(got) != 2 || got[1] != "three\n" {
			t.Errorf("written: %q", got)
		}
	})
}

func TestAFullBufferIsWrittenAtOnce(t *testing.T) {
	w := &writes{err: errors.New("the disk is full")}
	b := NewBuffer(w)
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 100 {
		if n, err := b.Write(line); n != len(line) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	b.Flush()
	if got := strings.Join(w.list(), ""); got != string(bytes.Repeat(line, 100)) {
		t.Errorf("%d bytes were written", len(got))
	}
	if len(w.list()) < 3 {
		t.Errorf("100 kB were written in %d parts", len(w.list()))
	}
}
