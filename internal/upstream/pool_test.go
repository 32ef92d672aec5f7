package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// piped connects a server to a script through pipes in memory, for a test in a
// bubble of synctest. It also counts the connections that are open.
func piped(t *testing.T, play script, change ...func(*Options)) (s *Server, dials, open *atomic.Int32) {
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
func fill(t *testing.T, s *Server, n int, pause time.Duration) {
	t.Helper()
	running := make([]*Response, n)
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
	p := pool{max: 4, timeout: time.Second}
	defer p.shut()
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
		s, _, open := piped(t, answer(ok), func(o *Options) { o.MaxIdle = 2 })
		fill(t, s, 5, 0)
		synctest.Wait()
		if n := s.Idle(); n != 2 || open.Load() != 2 {
			t.Errorf("%d idle, %d open, want 2", n, open.Load())
		}
	})
}

// TestDeadlinesAreSeldomSet streams events under an idle timeout and counts
// how often the connection's deadline is set for them.
func TestDeadlinesAreSeldomSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = 1000
		var sets atomic.Int32
		s, _, _ := piped(t, func(_ int, p *peer) {
			p.request()
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range events {
				time.Sleep(10 * time.Millisecond)
				p.say("1\r\nx\r\n")
			}
			p.say("0\r\n\r\n")
			p.request()
		}, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				return countingConn{c, &sets}, err
			}
		})
		r := post("{}")
		r.FirstByteTimeout, r.ResponseTimeout, r.IdleTimeout = time.Minute, 0, 8*time.Second
		if _, body := exchange(t, s, r); len(body) != events {
			t.Fatalf("%d events", len(body))
		}
		// Once for the first byte, then every second of the ten.
		if n := sets.Load(); n > 12 {
			t.Errorf("the deadline was set %d times for %d events", n, events)
		}
	})
}

// TestWriteDeadlineIsLifted: the moment that a large body is given, once the
// response is there, must not end a later request on the same connection.
func TestWriteDeadlineIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dials, _ := piped(t, answer(ok))
		for range 3 {
			r := post(strings.Repeat("x", 2*inlineBytes))
			r.ResponseTimeout = time.Hour
			exchange(t, s, r)
			time.Sleep(time.Second)
		}
		if n := dials.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

// TestBodyIsNotReadAfterDo: the goroutine that writes a large body has ended
// when Do returns, though its Write takes long to notice the end.
func TestBodyIsNotReadAfterDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written atomic.Bool
		s, _, _ := piped(t, func(_ int, p *peer) { p.request() }, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				return &sluggishConn{Conn: c, closed: make(chan struct{}), written: &written}, err
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e := fails(t, ctx, s, post(strings.Repeat("x", 2*inlineBytes)))
		if e.Kind != Canceled || !written.Load() {
			t.Errorf("error %v, body written: %v", e, written.Load())
		}
	})
}

// sluggishConn is closed by the first Close, but its Write ends a second later.
type sluggishConn struct {
	net.Conn
	once    sync.Once
	closed  chan struct{}
	written *atomic.Bool
}

func (c *sluggishConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *sluggishConn) Write([]byte) (int, error) {
	<-c.closed
	time.Sleep(time.Second)
	c.written.Store(true)
	return 0, net.ErrClosed
}

type countingConn struct {
	net.Conn
	sets *atomic.Int32
}

func (c countingConn) SetDeadline(t time.Time) error {
	c.sets.Add(1)
	return c.Conn.SetDeadline(t)
}

// TestLateness: time limits are never cut short, and are not exceeded by more
// than an eighth.
func TestLateness(t *testing.T) {
	const event = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
	tests := map[string]struct {
		say   string
		set   func(*Request)
		limit time.Duration
	}{
		"first byte": {"", func(r *Request) { r.FirstByteTimeout = 5 * time.Minute }, 5 * time.Minute},
		"whole":      {event, func(r *Request) { r.ResponseTimeout = 10 * time.Minute; r.IdleTimeout = time.Hour }, 10 * time.Minute},
		"idle":       {event, func(r *Request) { r.IdleTimeout = time.Minute }, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, _ := piped(t, func(_ int, p *peer) {
					p.request()
					p.say(tt.say)
					p.request()
				})
				r := post("{}")
				r.ResponseTimeout = 0
				tt.set(r)
				begin := time.Now()
				e := fails(t, t.Context(), s, r)
				if e.Kind != Timeout {
					t.Fatal(e)
				}
				if took := time.Since(begin); took < tt.limit || took > tt.limit+tt.limit/lateness {
					t.Errorf("timed out after %v, want %v and an eighth at most", took, tt.limit)
				}
			})
		})
	}
}
