package telemetry

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
		b := NewBuffer(w, nil)
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
	synctest.Test(t, func(t *testing.T) {
		w := &writes{err: errors.New("the disk is full")}
		b := NewBuffer(w, nil)
		line := []byte(strings.Repeat("x", 999) + "\n")
		var want int
		for range 3 {
			for range bufferBytes/len(line) + 1 {
				if n, err := b.Write(line); n != len(line) || err != nil {
					t.Fatalf("Write: %d, %v", n, err)
				}
			}
			synctest.Wait() // no time passes
			want++
			if got := len(w.list()); got != want {
				t.Errorf("%d parts were written, want %d", got, want)
			}
		}
		if got := strings.Join(w.list(), ""); got != string(bytes.Repeat(line, 3*(bufferBytes/len(line)+1))) {
			t.Errorf("%d bytes were written", len(got))
		}
	})
}

// partly writes the first bytes of what it gets, and fails.
type partly int

func (n partly) Write(p []byte) (int, error) {
	return min(int(n), len(p)), errors.New("the disk is full")
}

// TestLinesThatCannotBeWrittenAreCounted: one that is written in part is lost as well.
func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	b := NewBuffer(partly(6), nil)
	b.Write([]byte("one\ntwo\nthree\n"))
	b.Flush()
	b.Write([]byte("four\n"))
	b.Flush()
	if got := b.Lost(); got != 2 {
		t.Errorf("%d lines are counted as lost, want 2: two and three", got)
	}
}

// TestLostLines: the metric tells what was lost, and 0 where nobody counts.
func TestLostLines(t *testing.T) {
	for want, lost := range map[float64]func() int64{7: func() int64 { return 7 }, 0: nil} {
		r := prometheus.NewRegistry()
		RegisterLostLines(r, lost)
		families, err := r.Gather()
		if err != nil || len(families) != 1 || families[0].GetMetric()[0].GetCounter().GetValue() != want {
			t.Errorf("%v, %v; want %v", families, err, want)
		}
	}
}

// stuck is a reader that hangs until it is let go.
type stuck struct {
	writes
	begun, goOn chan struct{}
}

func (w *stuck) Write(p []byte) (int, error) {
	w.begun <- struct{}{}
	<-w.goOn
	return w.writes.Write(p)
}

// TestNobodyTakesTheLog: requests do not wait for whoever takes the log, memory is
// bounded, and what was lost is told.
func TestNobodyTakesTheLog(t *testing.T) {
	w := &stuck{begun: make(chan struct{}, 1), goOn: make(chan struct{})}
	lost := make(chan int, 1)
	b := NewBuffer(w, func(lines int) { lost <- lines })
	line := []byte(strings.Repeat("x", 999) + "\n")
	if _, err := b.Write(line); err != nil {
		t.Fatal(err)
	}
	<-w.begun
	const fit, more = bufferBytesMax / 1000, 500
	for range fit + more {
		if _, err := b.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	b.Flush() // returns
	close(w.goOn)
	if n := <-lost; n != more {
		t.Errorf("%d lines are said to be lost, want %d", n, more)
	}
	if got := len(strings.Join(w.list(), "")); got != (1+fit)*len(line) {
		t.Errorf("%d bytes were written, want %d lines", got, 1+fit)
	}
	<-w.begun
	if _, err := b.Write(line); err != nil {
		t.Fatal(err)
	}
	b.Flush()
	if got := len(strings.Join(w.list(), "")); got != (2+fit)*len(line) || len(lost) > 0 {
		t.Errorf("%d bytes were written in the end, and %d times more is lost", got, len(lost))
	}
	if got := b.Lost(); got != more {
		t.Errorf("%d lines are counted as lost, want %d", got, more)
	}
}
