package http1

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// caller is a client's connection.
type caller struct {
	net.Conn
	br *bufio.Reader
}

func dialUp(t *testing.T, address string) *caller {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &caller{c, bufio.NewReader(c)}
}

// ask sends a request and reports whether it is answered within the time.
func (c *caller) ask(t *testing.T, head string, within time.Duration) bool {
	t.Helper()
	if _, err := io.WriteString(c, head); err != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(within))
	r, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil && r.StatusCode == http.StatusOK
}

const (
	plainRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	oddRequest   = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" // net/http's
	slowRequest  = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
)

// TestBound: beyond the bound connections wait, and unused ones make room for them, in
// whose hands they may be; those that are in use do not.
func TestBound(t *testing.T) {
	for name, first := range map[string]string{"plain": plainRequest, "handed over": oddRequest, "net/http": plainRequest, "left to net/http": plainRequest} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			var full, failures, inside atomic.Int32
			s := New(&http.Server{ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/slow" {
						inside.Add(1)
						<-release
					}
				})}, time.Minute)
			if name == "left to net/http" {
				s.HandOverAll()
			}
			s.Bound(2, func() { full.Add(1) }, func(error) { failures.Add(1) })
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() {
				if name == "net/http" { // as where connections are encrypted
					served <- s.http.Serve(s.bounds(l))
					return
				}
				served <- s.Serve(l)
			}()
			address := l.Addr().String()

			for i := range 6 { // each in the place of one before
				if !dialUp(t, address).ask(t, first, 10*time.Second) {
					t.Fatalf("connection %d is not answered", i)
				}
			}
			if full.Load() == 0 {
				t.Error("nobody was told that some had to wait")
			}
			busy := [2]*caller{dialUp(t, address), dialUp(t, address)}
			answers := make(chan bool, 2)
			for _, c := range busy {
				go func() { answers <- c.ask(t, slowRequest, 10*time.Second) }()
			}
			for inside.Load() < 2 {
				time.Sleep(time.Millisecond)
			}
			late := dialUp(t, address)
			if late.ask(t, plainRequest, 300*time.Millisecond) {
				t.Error("more connections are served than there may be")
			}
			close(release)
			for range busy {
				if !<-answers {
					t.Error("a connection in use was closed")
				}
			}
			_ = late.SetReadDeadline(time.Now().Add(10 * time.Second))
			if r, err := http.ReadResponse(late.br, nil); err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("who has waited gets %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != http.ErrServerClosed || failures.Load() != 0 {
				t.Errorf("it ended with %v, after %d failures", err, failures.Load())
			}
		})
	}
}

// TestBoundGivesPermitsBack, however connections end.
func TestBoundGivesPermitsBack(t *testing.T) {
	for _, left := range []bool{false, true} {
		t.Run(fmt.Sprint("left to net/http ", left), func(t *testing.T) { givesPermitsBack(t, left) })
	}
}

func givesPermitsBack(t *testing.T, left bool) {
	s := New(&http.Server{ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}, time.Minute)
	if left {
		s.HandOverAll()
	}
	s.Bound(8, func() {}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	for i := range 60 {
		c := dialUp(t, l.Addr().String())
		switch i % 4 {
		case 0:
			c.ask(t, plainRequest, time.Second)
		case 1:
			c.ask(t, oddRequest, time.Second)
		case 2:
			_, _ = io.WriteString(c, "nonsense\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}
		_ = c.Close()
	}
	for end := time.Now().Add(10 * time.Second); len(s.room.permits) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d permits are taken by nobody", len(s.room.permits))
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

// TestBoundCountsTheRefused: a connection that is refused is open for a while, and has its
// permit until it is closed.
func TestBoundCountsTheRefused(t *testing.T) {
	s := New(&http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}, time.Minute)
	s.Bound(8, func() {}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	c := dialUp(t, l.Addr().String())
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if r, err := http.ReadResponse(c.br, nil); err != nil || r.StatusCode != http.StatusBadRequest {
		t.Fatalf("the answer is %v, %v", r, err)
	}
	_, _ = io.Copy(io.Discard, c.br) // our side is ended now
	time.Sleep(lingerTime / 10)
	if n := len(s.room.permits); n != 1 {
		t.Errorf("%d permits are taken while the connection is open, want 1", n)
	}
	_ = c.Close()
	for end := time.Now().Add(10 * time.Second); len(s.room.permits) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("its permit is taken by nobody")
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
