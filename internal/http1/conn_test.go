package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// whoServes answers with "here" or "net/http".
func whoServes(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if isOurs(r.Context()) {
		say(w, "here")
	} else {
		say(w, "net/http")
	}
}

func TestHandedOver(t *testing.T) {
	for _, unusual := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("a", 10_000) + "\r\n\r\n",
	} {
		_, address := start(t, whoServes)
		c := dial(t, address)
		c.get("here")
		c.get("here")
		c.send(unusual)
		if _, got := c.receive(http.MethodPost); got != "net/http" {
			t.Errorf("%.60q is served %s", unusual, got)
		}
		c.get("net/http") // for the rest of its life
	}
}

func TestHeadInPieces(t *testing.T) {
	_, address := start(t, whoServes)
	c := dial(t, address)
	c.send("GET / HTTP/1.1\r\nHo")
	time.Sleep(20 * time.Millisecond) // or else the pieces would come as one
	c.send("st: a\r\n\r\n")
	if _, got := c.receive(http.MethodGet); got != "net/http" {
		t.Errorf("served %s", got)
	}
}

// The beginning of a request that came with the one before is not lost.
func TestBeginningOfTheNext(t *testing.T) {
	_, address := start(t, whoServes)
	c := dial(t, address)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGE")
	if _, got := c.receive(http.MethodGet); got != "here" {
		t.Errorf("served %s", got)
	}
	c.send("T / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r, got := c.receive(http.MethodGet); got != "here" {
		t.Errorf("got %s %q", r.Status, got)
	}
}

func TestBodyInPieces(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		say(w, fmt.Sprint(len(b), err, isOurs(r.Context())))
	})
	c := dial(t, address)
	body := strings.Repeat("0123456789", 100_000)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + body[:10])
	time.Sleep(20 * time.Millisecond)
	c.send(body[10:])
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
	for _, want := range []string{"1000000 <nil> true", "2 <nil> true"} {
		if _, got := c.receive(http.MethodPost); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestBodyBreaksOff(t *testing.T) {
	read := make(chan error, 1)
	_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		_, again := r.Body.Read(make([]byte, 1))
		read <- errors.Join(err, again)
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
	_ = c.Close()
	if err := <-read; !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(err.Error(), "EOF") != 2 {
		t.Errorf("the body ends with %v", err)
	}
}

// A body that does not come in time is told to the handler; one that has come
// already has no time to keep to.
func TestBodyDeadline(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		past := time.Now().Add(-time.Second)
		if err := http.NewResponseController(w).SetReadDeadline(past); err != nil {
			t.Error(err)
		}
		_, err := io.ReadAll(r.Body)
		say(w, fmt.Sprint(errors.Is(err, os.ErrDeadlineExceeded)))
	})
	c := dial(t, address)
	for _, test := range []struct{ body, want string }{{"ok", "false"}, {"o", "true"}} {
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" + test.body)
		r, got := c.receive(http.MethodPost)
		if got != test.want || r.Close != (test.want == "true") {
			t.Errorf("%q: it is %s that the time is over, and %t that the connection ends", test.body, got, r.Close)
		}
	}
	c.wantEnd()
}

// A handler that sets no deadline waits for a body as long as it takes, whatever time
// the head had.
func TestSlowBody(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		say(w, fmt.Sprint(string(b), err))
	}, func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond })
	c := dial(t, address)
	for range 2 {
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no")
		time.Sleep(500 * time.Millisecond)
		c.send("k")
		if _, got := c.receive(http.MethodPost); got != "ok<nil>" {
			t.Errorf("got %s", got)
		}
	}
}

// A body that nobody wants does not cost the client its answer, however long it
// is and however slowly it comes; a short one does not cost it the connection either.
func TestUnwantedBody(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, _ *http.Request) { say(w, "no") })
	for _, test := range []struct {
		pieces, size int
		pause        time.Duration
		last         bool
	}{
		{10, 20 << 10, 5 * time.Millisecond, false},
		{16, 16 << 10, time.Millisecond, false},
		{64, 16 << 10, time.Millisecond, true},
		{1, 1 << 20, 0, true},
	} {
		c := dial(t, address)
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", test.pieces*test.size))
		for range test.pieces {
			time.Sleep(test.pause)
			c.send(strings.Repeat("a", test.size))
		}
		if r, got := c.receive(http.MethodPost); got != "no" || r.Close != test.last {
			t.Errorf("%+v: got %q, and %t that it is the last one", test, got, r.Close)
		}
		if test.last {
			c.wantEnd()
		} else {
			c.get("no")
		}
	}
}

// What is left of a body that nobody wants is waited for as long as the handler has
// said, and no longer.
func TestUnwantedBodyThatDoesNotCome(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		say(w, "no")
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\na")
	if r, got := c.receive(http.MethodPost); got != "no" || !r.Close {
		t.Errorf("got %q, and %t that it is the last one", got, r.Close)
	}
	c.wantEnd()
}

func TestClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*client){
		"closes":         func(c *client) { _ = c.Close() },
		"resets":         func(c *client) { _ = c.SetLinger(0); _ = c.Close() },
		"ends its side":  func(c *client) { _ = c.CloseWrite() },
		"sends and goes": func(c *client) { c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); _ = c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			begun, left := make(chan bool, 2), make(chan struct{}, 2)
			_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
				begun <- isOurs(r.Context())
				<-r.Context().Done()
				left <- struct{}{}
			})
			c := dial(t, address)
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
			if !<-begun {
				t.Error("net/http serves it")
			}
			leave(c)
			select {
			case <-left:
			case <-time.After(patience):
				t.Error("nobody notices")
			}
		})
	}
}

// A client that has left before its request is read is gone from the beginning.
func TestClientHasLeft(t *testing.T) {
	left := make(chan struct{})
	first := make(chan struct{})
	_, address := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			<-first
			return
		}
		<-r.Context().Done()
		close(left)
	})
	c := dial(t, address)
	c.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.CloseWrite()
	time.Sleep(20 * time.Millisecond) // in which the end is noticed, or else it is later, and no less right
	close(first)
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("nobody notices")
	}
}

// A client that reads nothing holds a handler up no longer than its deadline.
func TestWriteDeadline(t *testing.T) {
	ended := make(chan error, 1)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := w.Write(make([]byte, 64<<20))
		if r.Context().Err() == nil {
			err = errors.Join(err, errors.New("the request goes on"))
		}
		ended <- err
	})
	dial(t, address).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(err.Error(), "goes on") {
		t.Errorf("writing ends with %v", err)
	}
}

// A deadline that a handler leaves behind is gone with its request.
func TestWriteDeadlineEnds(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/short" {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		}
		whoServes(w, r)
	})
	c := dial(t, address)
	c.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n")
	c.receive(http.MethodGet)
	time.Sleep(300 * time.Millisecond)
	c.get("here")
}

// A handler that ends its goroutine ends its connection, and nothing is left of it.
func TestHandlerEndsItsGoroutine(t *testing.T) {
	s, address := start(t, func(http.ResponseWriter, *http.Request) { runtime.Goexit() })
	c := dial(t, address)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	c.wantEnd()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// The request's context ends with the handler, whatever is still to be done.
func TestContextEnds(t *testing.T) {
	ended := make(chan context.Context, 1)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		ended <- r.Context()
		_, _ = w.Write(make([]byte, 1<<10))
	})
	c := dial(t, address)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n") // so that it lingers
	if _, got := c.receive(http.MethodPost); len(got) != 1<<10 {
		t.Errorf("%d bytes came", len(got))
	}
	select {
	case <-(<-ended).Done():
	case <-time.After(lingerTime / 2):
		t.Error("it goes on")
	}
}

func TestTimeouts(t *testing.T) {
	_, address := start(t, whoServes, func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 50*time.Millisecond, time.Second })
	silent, idle := dial(t, address), dial(t, address)
	begin := time.Now()
	idle.get("here")
	time.Sleep(100 * time.Millisecond) // longer than a head may take
	idle.get("here")
	silent.wantEnd()
	idle.wantEnd()
	if d := time.Since(begin); d < 1050*time.Millisecond {
		t.Errorf("an idle connection is closed after %v", d)
	}
}

// However long a handler takes, the time that a connection may be idle begins
// behind it.
func TestSlowHandlerIsNotIdle(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(700 * time.Millisecond)
		}
		whoServes(w, r)
	}, func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 500*time.Millisecond, 500*time.Millisecond })
	c := dial(t, address)
	c.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, got := c.receive(http.MethodGet); got != "here" {
		t.Errorf("served %s", got)
	}
	c.get("here")
}

func TestShutdown(t *testing.T) {
	for who := range starters {
		t.Run(who, func(t *testing.T) { shutdown(t, who) })
	}
}

func shutdown(t *testing.T, who string) {
	begun, end := make(chan struct{}, 2), make(chan struct{})
	s, address := starters[who](t, patience, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-end
		}
		whoServes(w, r)
	})
	idle, ours, theirs := dial(t, address), dial(t, address), dial(t, address)
	idle.get(who)
	ours.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	theirs.send("GET /slow HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n")
	<-begun
	<-begun
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a handler runs, the shutdown ends with %v", err)
	}
	idle.wantEnd()
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("the listener is open")
	}
	down := make(chan error)
	go func() { down <- s.Shutdown(context.Background()) }()
	close(end)
	for _, c := range []*client{ours, theirs} {
		if r, _ := c.receive(http.MethodGet); !r.Close {
			t.Error("an answer of the shutdown is not the last one")
		}
		c.wantEnd()
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

// While the server is shut down, no connection that could be made is left without an
// answer. Those that are left to net/http may be: it closes them.
func TestShutdownAnswersWhoIsIn(t *testing.T) {
	s, address := start(t, whoServes)
	// They have been accepted once those behind them are served.
	fresh, unusual := dial(t, address), dial(t, address)
	idle := make([]*client, 200)
	for i := range idle {
		idle[i] = dial(t, address)
		idle[i].get("here")
	}
	var all sync.WaitGroup
	var refused atomic.Int64
	for range 8 {
		all.Go(func() {
			for refused.Load() < 100 {
				raw, err := net.Dial("tcp", address)
				if err != nil {
					refused.Add(1)
					continue
				}
				_ = raw.SetDeadline(time.Now().Add(patience))
				// A connection that was in the system's queue when the listener was
				// closed is reset, by net/http's too: whichever comes first tells it, the
				// write or the read, and to a read after such a write the end is plain.
				_, unsent := io.WriteString(raw, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				b, reset := io.ReadAll(raw)
				if unsent == nil && reset == nil && !strings.HasSuffix(string(b), "here") {
					t.Errorf("got %q", b)
				}
				_ = raw.Close()
			}
		})
	}
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	for _, c := range idle {
		c.wantEnd()
	}
	fresh.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r, got := fresh.receive(http.MethodGet); got != "here" || !r.Close {
		t.Errorf("who has been let in is served %q, and %t that it is the last answer", got, r.Close)
	}
	unusual.send("GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n")
	if r, _ := unusual.receive(http.MethodGet); r.StatusCode != http.StatusServiceUnavailable || !r.Close {
		t.Errorf("who is not plain is told %s", r.Status)
	}
	all.Wait()
	if err := <-down; err != nil {
		t.Error(err)
	}
}

// Who is let in while the listener is about to be closed has time for a request.
func TestFreshOnesAreServedDuringShutdown(t *testing.T) {
	s, address := start(t, whoServes)
	dial(t, address).get("here") // the listener is there
	s.closing.Store(true)
	c := dial(t, address)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r, got := c.receive(http.MethodGet); got != "here" || !r.Close {
		t.Errorf("served %q, and %t that it is the last answer", got, r.Close)
	}
}

// A shutdown waits for what is served here, and not only for net/http's.
func TestShutdownWaits(t *testing.T) {
	for who := range starters {
		t.Run(who, func(t *testing.T) { shutdownWaits(t, who) })
	}
}

func shutdownWaits(t *testing.T, who string) {
	begun, end := make(chan struct{}), make(chan struct{})
	s, address := starters[who](t, patience, func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-end
	})
	dial(t, address).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a handler runs, the shutdown ends with %v", err)
	}
	close(end)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	for who := range starters {
		t.Run(who, func(t *testing.T) { closesAll(t, who) })
	}
}

func closesAll(t *testing.T, who string) {
	begun, ended := make(chan struct{}), make(chan struct{})
	s, address := starters[who](t, patience, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	idle, running := dial(t, address), dial(t, address)
	running.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	for _, c := range []*client{idle, running} {
		if _, err := c.br.ReadByte(); err == nil {
			t.Error("a connection is open")
		}
	}
	if err := s.Close(); err != nil {
		t.Error("closing twice: ", err)
	}
}

// failing is a listener that fails once, as it does where there are too many
// descriptors.
type failing struct {
	net.Listener
	err error
}

func (f *failing) Accept() (net.Conn, error) {
	if err := f.err; err != nil {
		f.err = nil
		return nil, err
	}
	return f.Listener.Accept()
}

type temporary struct{ error }

func (temporary) Temporary() bool { return true }
func (temporary) Timeout() bool   { return false }

func TestListenerFails(t *testing.T) {
	l := listen(t)
	s := New(&http.Server{Handler: http.HandlerFunc(whoServes)}, patience)
	served := make(chan error)
	go func() { served <- s.Serve(&failing{l, temporary{errors.New("too many files")}}) }()
	dial(t, l.Addr().String()).get("here")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	s, l = New(&http.Server{Handler: http.HandlerFunc(whoServes)}, patience), listen(t)
	broken := errors.New("broken")
	if err := s.Serve(&failing{l, broken}); !errors.Is(err, broken) {
		t.Errorf("it ends with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Serve(listen(t)); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("once closed, it ends with %v", err)
	}
}

// stumbling fails twice before each connection, for a while.
type stumbling struct {
	net.Listener
	calls int
}

func (s *stumbling) Accept() (net.Conn, error) {
	if s.calls++; s.calls%3 != 0 {
		return nil, temporary{errors.New("too many files")}
	}
	return s.Listener.Accept()
}

// A pause after an error is short again once a connection has come.
func TestPausesBeginAnew(t *testing.T) {
	l := listen(t)
	s := New(&http.Server{Handler: http.HandlerFunc(whoServes), ErrorLog: log.New(io.Discard, "", 0)}, patience)
	served := make(chan error)
	go func() { served <- s.Serve(&stumbling{Listener: l}) }()
	begin := time.Now()
	for range 8 {
		dial(t, l.Addr().String()).get("here")
	}
	if d := time.Since(begin); d > 3*time.Second { // 8 times 15 ms, where they would come to 5 s
		t.Errorf("8 connections take %v", d)
	}
	_ = s.Close()
	<-served
}

// pipe is a connection without a descriptor.
type pipe struct {
	net.Listener
	conns chan net.Conn
}

func (p *pipe) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// What the kernel cannot watch is net/http's.
func TestUnwatched(t *testing.T) {
	s := New(&http.Server{Handler: http.HandlerFunc(whoServes)}, patience)
	p := &pipe{listen(t), make(chan net.Conn)}
	served := make(chan error)
	go func() { served <- s.Serve(p) }()
	near, far := net.Pipe()
	p.conns <- far
	go func() { _, _ = io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }()
	if b, err := io.ReadAll(near); err != nil || !strings.HasSuffix(string(b), "net/http") {
		t.Errorf("got %q, %v", b, err)
	}
	close(p.conns)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

// What one request has brought, the next one on its connection does not have.
func TestNothingStays(t *testing.T) {
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			w.Header()["X-Seen-"+name] = []string{"yes"}
		}
		describe(w, r)
	})
	one := "POST /a%20b?c HTTP/1.1\r\nHost: one\r\nX-Secret: 1\r\nContent-Length: 2\r\n\r\nok"
	two := "GET / HTTP/1.1\r\nHost: two\r\n\r\n"
	fresh := answers(t, address, []byte(two), http.MethodGet)
	if got := answers(t, address, []byte(one+two), http.MethodGet); !strings.HasSuffix(got, fresh) || !strings.Contains(got, "X-Seen-X-Secret") {
		t.Errorf("got\n%s\nwhich does not end with\n%s", got, fresh)
	}
}

// lines is a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A fault of a handler is told to the log, and ends its connection only.
func TestFault(t *testing.T) {
	told := make(lines, 1)
	_, address := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fault" {
			panic("a fault")
		}
		whoServes(w, r)
	}, func(other *http.Server) { other.ErrorLog = log.New(told, "", 0) })
	c := dial(t, address)
	c.send("GET /fault HTTP/1.1\r\nHost: a\r\n\r\n")
	c.wantEnd()
	if line := <-told; !strings.Contains(line, "panic serving 127.0.0.1:") || !strings.Contains(line, "a fault") {
		t.Errorf("the log tells %q", line)
	}
	dial(t, address).get("here")
}
