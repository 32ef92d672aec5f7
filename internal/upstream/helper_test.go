package upstream

import (
	"bufio"
	"bytes"
	"context"
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

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

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
	mu       sync.Mutex
	conns    []net.Conn
}

// hangUp ends our side of all connections.
func (l *listener) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.(*net.TCPConn).CloseWrite()
	}
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
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
		l.running.Go(func() {
			defer func() { _ = c.Close() }()
			play(n, &peer{Conn: c, br: bufio.NewReader(c)})
		})
	}
}

// setup is what a test says of a server and of the client that reaches it.
type setup struct {
	clientOptions
	serverOptions
}

type (
	clientOptions = httpclient.Options
	serverOptions = Options
)

// connect returns a server for address, closed at the end of the test before
// the listener that was started before it.
func connect(t testing.TB, address string, change ...func(*setup)) *Server {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	o := setup{clientOptions: clientOptions{URL: u}}
	for _, f := range change {
		f(&o)
	}
	if o.Client, err = httpclient.New(o.clientOptions); err != nil {
		t.Fatal(err)
	}
	s := New(o.serverOptions)
	t.Cleanup(s.Close)
	return s
}

// piped connects a server to a script through pipes in memory, for a test in a
// bubble of synctest. It also counts the connections that were made.
func piped(t *testing.T, play script, change ...func(*setup)) (s *Server, dials *atomic.Int32) {
	t.Helper()
	dials = new(atomic.Int32)
	pipes := func(o *setup) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			n := int(dials.Add(1))
			go func() {
				defer func() { _ = there.Close() }()
				play(n, &peer{Conn: there, br: bufio.NewReader(there)})
			}()
			return here, nil
		}
	}
	return connect(t, "http://model", append([]func(*setup){pipes}, change...)...), dials
}

// serveHTTP starts a real net/http server.
func serveHTTP(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// post returns a request that fails where it would hang.
func post(body string) *Request {
	return &Request{ClientRequest: ClientRequest{
		Method: http.MethodPost, Path: "/v1/completions", Body: []byte(body), ResponseTimeout: patience,
	}}
}

// exchange does r, reads the body and fails the test on any error.
func exchange(t testing.TB, s *Server, r *Request) (*Response, string) {
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
