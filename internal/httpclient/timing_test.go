package httpclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

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
				tt.set(&r)
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

// TestFailedWrite: a write that fails, with nothing to read that would explain
// it, does not wait for the response's time limit.
func TestFailedWrite(t *testing.T) {
	for _, size := range []int{2, inlineBytes, inlineBytes + 1} {
		synctest.Test(t, func(t *testing.T) {
			why := errors.New("the cable has been eaten")
			s, _, _ := piped(t, func(_ int, p *peer) { p.request() }, func(o *Options) {
				dial := o.Dial
				o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := dial(ctx, network, address)
					return brokenConn{c, why}, err
				}
			})
			begin := time.Now()
			e := fails(t, t.Context(), s, post(strings.Repeat("x", size)))
			if e.Kind != Closed || !errors.Is(e, why) || e.Started {
				t.Errorf("size %d: error %v", size, e)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("size %d: took %v", size, took)
			}
		})
	}
}

type brokenConn struct {
	net.Conn
	why error
}

func (c brokenConn) Write([]byte) (int, error) { return 0, c.why }
