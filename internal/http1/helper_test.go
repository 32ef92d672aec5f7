package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for that has to come.
const patience = 10 * time.Second

// start serves a handler and returns the server and its address.
func start(t testing.TB, h http.HandlerFunc, change ...func(*http.Server)) (*Server, string) {
	t.Helper()
	return startPatient(t, patience, h, change...)
}

// startPatient is start with a patience of the server's.
func startPatient(t testing.TB, patience time.Duration, h http.HandlerFunc, change ...func(*http.Server)) (*Server, string) {
	t.Helper()
	other := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	for _, f := range change {
		f(other)
	}
	return startServer(t, New(other, patience))
}

// startHandedOver is startPatient for a server that hands all connections over to net/http.
func startHandedOver(t testing.TB, patience time.Duration, h http.HandlerFunc) (*Server, string) {
	t.Helper()
	s := New(&http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}, patience)
	s.HandOverAll()
	return startServer(t, s)
}

// starters are the servers whose clients find no difference: one that serves them itself,
// and one that hands them over to net/http.
var starters = map[string]func(testing.TB, time.Duration, http.HandlerFunc) (*Server, string){
	"here": func(t testing.TB, patience time.Duration, h http.HandlerFunc) (*Server, string) {
		t.Helper()
		return startPatient(t, patience, h)
	},
	"net/http": startHandedOver,
}

func startServer(t testing.TB, s *Server) (*Server, string) {
	t.Helper()
	l := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return s, l.Addr().String()
}

// startOther serves a handler by net/http alone, which takes what is taken here.
func startOther(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.Serve(Strict(l, s.ErrorLog)) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// client is a connection to a server.
type client struct {
	*net.TCPConn
	t  testing.TB
	br *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{c.(*net.TCPConn), t, bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads an answer to a request of the given method, and its body.
func (c *client) receive(method string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal("no answer: ", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal("the answer breaks off: ", err)
	}
	return r, string(body)
}

// get sends a request and wants 200 with this body.
func (c *client) get(want string) {
	c.t.Helper()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r, got := c.receive(http.MethodGet); r.StatusCode != http.StatusOK || got != want {
		c.t.Fatalf("got %s %q, want %q", r.Status, got, want)
	}
}

// wantEnd wants the connection closed, with nothing before.
func (c *client) wantEnd() {
	c.t.Helper()
	if b, err := c.br.ReadByte(); !errors.Is(err, io.EOF) {
		c.t.Fatalf("got %q and %v, want the end", b, err)
	}
}

// isOurs reports whether it is not net/http that serves a request: that tells the
// address of its connection.
func isOurs(ctx context.Context) bool { return ctx.Value(http.LocalAddrContextKey) == nil }

// answers sends bytes to a server, ends its side, and returns all that comes back,
// without what depends on the time.
func answers(t testing.TB, address string, sent []byte, method string) string {
	t.Helper()
	c := dial(t, address)
	defer func() { _ = c.Close() }()
	// Where the server has closed already, the answer says why.
	_, _ = c.Write(sent)
	_ = c.CloseWrite()
	var all bytes.Buffer
	for {
		r, err := http.ReadResponse(c.br, &http.Request{Method: method})
		if err != nil {
			return all.String()
		}
		r.Header.Del("Date")
		body, err := io.ReadAll(r.Body)
		all.WriteString(r.Status + "\n")
		_ = r.Header.Write(&all)
		all.WriteString(string(body) + "\n")
		if r.TransferEncoding != nil {
			all.WriteString("in chunks\n")
		}
		if err != nil {
			all.WriteString("breaks off: " + err.Error() + "\n")
		}
		if r.Close {
			all.WriteString("the last one\n")
		}
	}
}
