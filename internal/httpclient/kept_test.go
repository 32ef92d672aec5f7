package httpclient

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// piped connects a server to a script through pipes in memory, for a test in a
// bubble of synctest. It also counts the connections that are open.
func piped(t *testing.T, play script, change ...func(*Options)) (s *Client, dials, open *atomic.Int32) {
	t.Helper()
	dials, open = new(atomic.Int32), new(atomic.Int32)
	o := Options{URL: &url.URL{Scheme: "http", Host: "model"}}
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		n := int(dials.Add(1))
		open.Add(1)
		go func() {
			defer open.Add(-1)
			defer func() { _ = there.Close() }()
			play(n, &peer{Conn: there, br: bufio.NewReader(there)})
		}()
		return here, nil
	}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, dials, open
}

// fill makes n connections idle, in order, with a pause between them.
func fill(t *testing.T, s *Client, n int, pause time.Duration) {
	t.Helper()
	running := make([]Response, n)
	for i := range running {
		r, err := s.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		running[i] = r
	}
	for i, r := range running {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
		if i < n-1 {
			time.Sleep(pause)
		}
	}
}

func TestIdleTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dials, open := piped(t, answer(ok))
		fill(t, s, 3, time.Second)
		timeline := []struct {
			wait time.Duration
			idle int
		}{
			// The three became idle at 0, 1 and 2 s, and it is 2 s now.
			{1900 * time.Millisecond, 3},
			{200 * time.Millisecond, 2},
			{1000 * time.Millisecond, 1},
			{1000 * time.Millisecond, 0},
		}
		for _, at := range timeline {
			time.Sleep(at.wait)
			synctest.Wait()
			if n := s.Idle(); n != at.idle || int(open.Load()) != at.idle {
				t.Errorf("%d idle, %d open, want %d", n, open.Load(), at.idle)
			}
		}
		exchange(t, s, post("{}"))
		if n := dials.Load(); n != 4 {
			t.Errorf("%d connections were made, want 4", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := open.Load(); n != 0 {
			t.Errorf("%d connections are open after an hour", n)
		}
	})
}

// TestIdleTooOldAtTake takes at an instant at which the timer has not run yet.
func TestIdleTooOldAtTake(t *testing.T) {
	now := time.Now()
	p := kept{max: 4, timeout: time.Second}
	defer p.close(true)
	ends := make([]net.Conn, 2)
	for i := range ends {
		here, there := net.Pipe()
		ends[i] = there
		p.put(newConn("model:80", here, here), now)
	}
	if c := p.take(now.Add(time.Second)); c != nil {
		t.Error("a connection that is too old was taken")
	}
	for _, c := range ends {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("an old connection was not closed: %v", err)
		}
	}
}

// TestLastInFirstOut lets the connections that a falling load no longer needs
// grow old.
func TestLastInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dials, open := piped(t, answer(ok))
		fill(t, s, 5, 0)
		for range 20 {
			time.Sleep(time.Second)
			exchange(t, s, post("{}"))
		}
		synctest.Wait()
		if n := open.Load(); n != 1 || dials.Load() != 5 {
			t.Errorf("%d connections open, %d made, want 1 of 5", n, dials.Load())
		}
	})
}

func TestMaxIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, open := piped(t, answer(ok))
		s.kept.max = 2
		fill(t, s, 5, 0)
		synctest.Wait()
		if n := s.Idle(); n != 2 || open.Load() != 2 {
			t.Errorf("%d idle, %d open, want 2", n, open.Load())
		}
	})
}
