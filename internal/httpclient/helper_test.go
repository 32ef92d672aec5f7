package httpclient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Idle returns the number of unused connections that are being kept.
func (s *Client) Idle() int {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return len(s.kept.idle)
}

// patience is how long a test waits for what must happen before it fails.
const patience = 5 * time.Second

// script plays a model server on one accepted connection; n counts from 1.
type script func(n int, c *peer)

// peer is the server's end of a connection.
type peer struct {
	net.Conn
	br *bufio.Reader
}

// request reads one request to its end, or returns nil at the end of the
// connection.
func (p *peer) request() *http.Request {
	r, err := http.ReadRequest(p.br)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

func (p *peer) say(s string) { _, _ = io.WriteString(p, s) }

// answer reads requests and answers each with the same bytes, until the
// connection ends.
func answer(response string) script {
	return func(_ int, p *peer) {
		for p.request() != nil {
			p.say(response)
		}
	}
}

// listener plays a script for a model server and counts its connections.
type listener struct {
	net.Listener
	accepted atomic.Int32
	running  sync.WaitGroup
}

func (l *listener) url() string { return "http://" + l.Addr().String() }

// listen starts a script; when it returns from a connection, that is closed.
func listen(t testing.TB, play script) *listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Listener: inner}
	l.running.Go(func() { l.serve(play) })
	t.Cleanup(func() {
		_ = inner.Close()
		l.running.Wait()
	})
	return l
}

func (l *listener) serve(play script) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		n := int(l.accepted.Add(1))
		l.running.Go(func() {
			defer func() { _ = c.Close() }()
			play(n, &peer{Conn: c, br: bufio.NewReader(c)})
		})
	}
}

// connect returns a server for address, closed at the end of the test before
// the listener that was started before it.
func connect(t testing.TB, address string, change ...func(*Options)) *Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{URL: u}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// serveHTTP starts a real net/http server.
func serveHTTP(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// echo answers with the body of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = w.Write(body)
}

// post returns a request that fails where it would hang.
func post(body string) Request {
	return Request{Method: http.MethodPost, Path: "/v1/completions", Body: []byte(body), ResponseTimeout: patience}
}

// exchange does r, reads the body and fails the test on any error.
func exchange(t testing.TB, s *Client, r Request) (Response, string) {
	t.Helper()
	response, err := s.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// fails does r and returns the error of its head or its body.
func fails(t testing.TB, ctx context.Context, s *Client, r Request) *Error {
	t.Helper()
	response, err := s.Do(ctx, r)
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		_, err = io.Copy(io.Discard, response.Body)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *Error", err)
	}
	return e
}

// within fails the test if done is not closed soon.
func within(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("still waiting for %s", what)
	}
}

// pieces is a connection that yields stream, at most size bytes at a time if
// size is not 0.
func pieces(stream []byte, size int) net.Conn {
	return &piecewise{rest: stream, size: size}
}

type piecewise struct {
	net.Conn
	rest []byte
	size int
}

func (p *piecewise) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	if p.size > 0 && len(b) > p.size {
		b = b[:p.size]
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *piecewise) Write(b []byte) (int, error) { return len(b), nil }

func (p *piecewise) Close() error { return nil }

// SetDeadline fails, so that nothing waits for the end of a connection that has
// none.
func (p *piecewise) SetDeadline(time.Time) error { return net.ErrClosed }
