package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestReuse(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	for range 10 {
		if r, body := exchange(t, s, post("{}")); body != "ok" || r.Connections != 1 {
			t.Fatalf("body %q after %d connections", body, r.Connections)
		}
	}
	if n := l.accepted.Load(); n != 1 {
		t.Errorf("%d connections for ten requests, want 1", n)
	}
}

// TestConcurrent shares a server between goroutines; each must get its own answer.
func TestConcurrent(t *testing.T) {
	server := serveHTTP(t, echo)
	s := connect(t, server.URL)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			body := strings.Repeat(string(rune('a'+i)), 1000)
			for range 20 {
				if _, got := exchange(t, s, post(body)); got != body {
					t.Errorf("goroutine %d got another answer", i)
				}
			}
		})
	}
	all.Wait()
	if n := s.Idle(); n < 1 || n > 16 {
		t.Errorf("%d idle connections, want 1 to 16", n)
	}
}

func TestNotReused(t *testing.T) {
	tests := map[string]string{
		"connection close":       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"close among options":    "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":               "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"length and chunked":     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"bytes after the body":   ok + "x",
		"a second response":      ok + ok,
		"bytes after the chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP",
	}
	for name, response := range tests {
		t.Run(name, func(t *testing.T) {
			l := listen(t, answer(response))
			s := connect(t, l.url())
			for range 2 {
				if _, body := exchange(t, s, post("{}")); body != "ok" {
					t.Fatalf("body %q", body)
				}
			}
			if n := l.accepted.Load(); n != 2 {
				t.Errorf("%d connections for two requests, want 2", n)
			}
		})
	}
}

// TestUnsolicited lets a server send an answer that nobody asked for. The next
// request must not get it.
func TestUnsolicited(t *testing.T) {
	sent := make(chan struct{})
	l := listen(t, func(n int, p *peer) {
		p.request()
		p.say(ok)
		if n == 1 {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
			close(sent)
		}
		p.request()
	})
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	within(t, sent, "the poison")
	if r, body := exchange(t, s, post("{}")); body != "ok" || r.Connections != 1 {
		t.Errorf("got %q after %d connections", body, r.Connections)
	}
}

// blind makes connections that cannot be looked into, so that a closed one is
// found by using it.
func blind(o *Options) {
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return struct{ net.Conn }{c}, err
	}
}

// stale plays a server that closes its first connection when the second request
// on it has come, after saying some bytes.
func stale(last string, then script) script {
	return func(n int, p *peer) {
		if n > 1 {
			then(n, p)
			return
		}
		p.request()
		p.say(ok)
		p.request()
		p.say(last)
	}
}

func TestRetryOnStaleConnection(t *testing.T) {
	l := listen(t, stale("", answer(ok)))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	if r, body := exchange(t, s, post("{}")); body != "ok" || r.Connections != 2 {
		t.Errorf("got %q after %d connections, want ok after 2", body, r.Connections)
	}
}

func TestRetryOnce(t *testing.T) {
	l := listen(t, stale("", func(_ int, p *peer) { p.request() }))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	e := fails(t, t.Context(), s, post("{}"))
	if e.Kind != Closed || e.Connections != 2 || e.Started || !e.Sent {
		t.Errorf("error %v after %d connections", e, e.Connections)
	}
	if n := l.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2: the stale one and one retry", n)
	}
}

func TestNoRetryAfterAByte(t *testing.T) {
	for _, last := range []string{"H", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n"} {
		l := listen(t, stale(last, answer(ok)))
		s := connect(t, l.url())
		exchange(t, s, post("{}"))
		e := fails(t, t.Context(), s, post("{}"))
		if e.Kind != Broken || e.Connections != 1 || !e.Started {
			t.Errorf("after %q: error %v after %d connections, want a broken response after 1", last, e, e.Connections)
		}
		if n := l.accepted.Load(); n != 1 {
			t.Errorf("after %q: %d connections, want 1", last, n)
		}
	}
}

func TestNoRetryOnFreshConnection(t *testing.T) {
	l := listen(t, func(_ int, p *peer) { p.request() })
	e := fails(t, t.Context(), connect(t, l.url()), post("{}"))
	if e.Kind != Closed || e.Connections != 1 || !e.Sent || e.Started {
		t.Errorf("error %v after %d connections", e, e.Connections)
	}
	if n := l.accepted.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestClosedWhileIdle closes kept connections before they are used: they are
// passed over without a try, or found by the retry where they cannot be
// looked into.
func TestClosedWhileIdle(t *testing.T) {
	for name, dial := range map[string]func(*Options){"seen": func(*Options) {}, "blind": blind} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			l := listen(t, func(n int, p *peer) {
				p.request()
				p.say(ok)
				if n == 1 {
					_ = p.Close()
					close(closed)
				}
			})
			s := connect(t, l.url(), dial)
			exchange(t, s, post("{}"))
			within(t, closed, "the close")
			r, body := exchange(t, s, post("{}"))
			want := map[string]int{"seen": 1, "blind": 2}[name]
			if body != "ok" || r.Connections != want {
				t.Errorf("got %q after %d connections, want ok after %d", body, r.Connections, want)
			}
		})
	}
}

func TestReset(t *testing.T) {
	l := listen(t, func(_ int, p *peer) {
		p.request()
		_ = p.Conn.(*net.TCPConn).SetLinger(0)
	})
	e := fails(t, t.Context(), connect(t, l.url()), post("{}"))
	if e.Kind != Closed || !errors.Is(e, syscall.ECONNRESET) {
		t.Errorf("error %v, want closed by a reset", e)
	}
}

func TestRefused(t *testing.T) {
	l := listen(t, answer(ok))
	_ = l.Close()
	e := fails(t, t.Context(), connect(t, l.url()), post("{}"))
	if e.Kind != Refused || e.Sent || e.Started || e.Connections != 0 || !errors.Is(e, syscall.ECONNREFUSED) {
		t.Errorf("error %v", e)
	}
}

// TestRefusedRetry lets the server vanish after it has closed a kept
// connection with a request on it, which it may have seen.
func TestRefusedRetry(t *testing.T) {
	var l *listener
	l = listen(t, func(_ int, p *peer) {
		p.request()
		p.say(ok)
		p.request()
		_ = l.Close()
	})
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	e := fails(t, t.Context(), s, post("{}"))
	if e.Kind != Refused || !e.Sent || e.Connections != 1 {
		t.Errorf("error %v, sent %v, connections %d", e, e.Sent, e.Connections)
	}
}

// TestEarlyAnswer lets a server answer without reading the request.
func TestEarlyAnswer(t *testing.T) {
	tests := map[string]struct {
		size   int
		linger bool // the server goes on to keep the connection open, unread
	}{
		"small, closed":  {100, false},
		"middle, closed": {inlineBytes, false},
		"large, closed":  {8 << 20, false},
		"large, open":    {32 << 20, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			l := listen(t, func(_ int, p *peer) {
				_, _ = p.br.Peek(1)
				p.say("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
				if tt.linger {
					<-done
				}
			})
			s := connect(t, l.url())
			request := post(strings.Repeat("x", tt.size))
			request.ResponseTimeout = 2 * patience
			begin := time.Now()
			r, body := exchange(t, s, request)
			if took := time.Since(begin); took > patience {
				t.Errorf("the answer was seen after %v", took)
			}
			clear(request.Body) // ours again: the race detector objects if it is still being read
			close(done)
			if r.Status != 413 || body != "big" {
				t.Errorf("got %d %q", r.Status, body)
			}
			if tt.linger && s.Idle() != 0 {
				t.Error("a connection was kept with half a request on it")
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	const limit = 60 * time.Millisecond
	const event = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
	tests := map[string]struct {
		say     string
		set     func(*Request)
		phase   Phase
		started bool
	}{
		"first byte":            {"", func(r *Request) { r.FirstByteTimeout = limit }, FirstByte, false},
		"first byte, half head": {"HTTP/1.1 2", func(r *Request) { r.FirstByteTimeout = limit }, FirstByte, true},
		"first byte, head only": {event[:strings.Index(event, "2\r\nok")], func(r *Request) { r.FirstByteTimeout = limit; r.IdleTimeout = time.Hour }, FirstByte, true},
		"idle":                  {event, func(r *Request) { r.FirstByteTimeout = time.Hour; r.IdleTimeout = limit }, Idle, true},
		"whole, nothing":        {"", func(r *Request) { r.ResponseTimeout = limit; r.FirstByteTimeout = time.Hour }, Whole, false},
		"whole, body begun":     {event, func(r *Request) { r.ResponseTimeout = limit; r.IdleTimeout = time.Hour }, Whole, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, func(_ int, p *peer) {
				p.request()
				p.say(tt.say)
				p.request()
			})
			r := post("{}")
			tt.set(&r)
			begin := time.Now()
			e := fails(t, t.Context(), connect(t, l.url()), r)
			took := time.Since(begin)
			if e.Kind != Timeout || e.Phase != tt.phase || e.Started != tt.started || !e.Sent {
				t.Errorf("error %v, started %v", e, e.Started)
			}
			if took < limit || took > patience {
				t.Errorf("took %v, want %v", took, limit)
			}
		})
	}
}

// TestIdleTimeoutRolls sends events for longer than the idle timeout.
func TestIdleTimeoutRolls(t *testing.T) {
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range 40 {
			<-tick.C
			p.say("1\r\nx\r\n")
		}
		p.say("0\r\n\r\n")
	})
	r := post("{}")
	r.FirstByteTimeout, r.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond
	if _, body := exchange(t, connect(t, l.url()), r); len(body) != 40 {
		t.Errorf("%d events, want 40", len(body))
	}
}

// TestTimeoutOfStuckWrite lets a server neither read nor answer.
func TestTimeoutOfStuckWrite(t *testing.T) {
	done := make(chan struct{})
	l := listen(t, func(int, *peer) { <-done })
	defer close(done)
	r := post(strings.Repeat("x", 32<<20))
	r.FirstByteTimeout = 60 * time.Millisecond
	e := fails(t, t.Context(), connect(t, l.url()), r)
	if e.Kind != Timeout || e.Phase != FirstByte || e.Started {
		t.Errorf("error %v", e)
	}
}

// TestLimitsDoNotLeak gives a kept connection another request's time limit
// first, and lets that pass.
func TestLimitsDoNotLeak(t *testing.T) {
	release := make(chan struct{})
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say(ok)
		p.request()
		<-release
		p.say(ok)
	})
	s := connect(t, l.url())
	first := post("{}")
	first.ResponseTimeout = 50 * time.Millisecond
	exchange(t, s, first)
	time.AfterFunc(120*time.Millisecond, func() { close(release) })
	second := post("{}")
	second.ResponseTimeout = 0
	if r, body := exchange(t, s, second); body != "ok" || r.Connections != 1 {
		t.Errorf("got %q after %d connections", body, r.Connections)
	}
}

func TestCancel(t *testing.T) {
	const event = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
	tests := map[string]struct {
		say     string
		size    int
		started bool
	}{
		"before the head":     {"", 2, false},
		"within the head":     {"HTTP/1.1 ", 2, true},
		"within the body":     {event, 2, true},
		"with a stuck upload": {"", 32 << 20, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			ready := make(chan struct{})
			l := listen(t, func(_ int, p *peer) {
				defer close(closed)
				if tt.size > inlineBytes {
					_, _ = p.br.Peek(1)
					close(ready)
					<-ready
				} else {
					p.request()
					p.say(tt.say)
					close(ready)
				}
				_, _ = io.Copy(io.Discard, p)
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the client went away")
			var canceled time.Time
			go func() {
				<-ready
				canceled = time.Now()
				cancel(why)
			}()
			r := post(strings.Repeat("x", tt.size))
			e := fails(t, ctx, connect(t, l.url()), r)
			clear(r.Body) // ours again: the race detector objects if it is still being read
			if e.Kind != Canceled || !errors.Is(e, why) || !e.Sent {
				t.Errorf("error %v, started %v", e, e.Started)
			}
			within(t, closed, "the connection's end")
			if took := time.Since(canceled); took > patience/2 {
				t.Errorf("it took %v to close the connection", took)
			}
		})
	}
}

// TestCancelAtTheEnd ends the context after the last byte was read: the
// connection has been closed, and must not be kept.
func TestCancelAtTheEnd(t *testing.T) {
	closed := make(chan struct{})
	l := listen(t, func(_ int, p *peer) {
		p.request()
		p.say(ok)
		p.request()
		close(closed)
	})
	s := connect(t, l.url())
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Do(ctx, post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	cancel()
	within(t, closed, "the connection's end")
	if _, err := r.Body.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the body was complete, but ended with %v", err)
	}
	if s.Idle() != 0 {
		t.Error("a closed connection was kept")
	}
}

func TestCancelBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := listen(t, answer(ok))
	e := fails(t, ctx, connect(t, l.url()), post("{}"))
	if e.Kind != Canceled || e.Sent || !errors.Is(e, context.Canceled) {
		t.Errorf("error %v", e)
	}
}

// hang dials until the context ends.
func hang(o *Options) {
	o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

func TestCancelDial(t *testing.T) {
	s := connect(t, "http://192.0.2.1:8000", hang)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if e := fails(t, ctx, s, post("{}")); e.Kind != Canceled || e.Sent {
		t.Errorf("error %v", e)
	}
}

func TestConnectTimeout(t *testing.T) {
	s := connect(t, "http://192.0.2.1:8000", hang, func(o *Options) { o.ConnectTimeout = 20 * time.Millisecond })
	if e := fails(t, t.Context(), s, post("{}")); e.Kind != Timeout || e.Phase != Connect || e.Sent {
		t.Errorf("error %v", e)
	}
}

func TestErrorHasNothingOfTheResponse(t *testing.T) {
	l := listen(t, answer("SECRET secret\r\n\r\n"))
	e := fails(t, t.Context(), connect(t, l.url()), post("{}"))
	if e.Kind != Protocol || strings.Contains(strings.ToLower(e.Error()), "secret") {
		t.Errorf("error %v", e)
	}
}
