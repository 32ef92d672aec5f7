package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestKeptConnectionIsNoExcuse: a kept connection that ends after the server has
// worked on a request for a while was not closed before it came, and the request
// is not generated again.
func TestKeptConnectionIsNoExcuse(t *testing.T) {
	var generated atomic.Int32
	srv := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		_, _ = io.ReadAll(r.Body)
		if generated.Add(1) == 1 {
			_, _ = io.WriteString(w, "ok")
			return
		}
		time.Sleep(300 * time.Millisecond) // it generates
		panic(http.ErrAbortHandler)        // a worker dies, a middlebox resets, ...
	})
	p, f := poolOf(t, srv.URL)
	if _, body, failure := ask(t, p); failure != nil || body != "ok" {
		t.Fatal(failure)
	}
	_, _, failure := ask(t, p)
	if failure == nil || failure.Kind != Closed || f.of(p.servers[0]) != 1 {
		t.Errorf("error %v, blamed %d times", failure, f.of(p.servers[0]))
	}
	if n := generated.Load() - 1; n != 1 {
		t.Errorf("it was generated %d times", n)
	}
}

// TestLostIsNotGone: where packets get lost, or a name is not found, the server may
// be working on what it has got, and no other one gets it too.
func TestLostIsNotGone(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"no route", syscall.EHOSTUNREACH},
		{"dns", &net.DNSError{Err: "server misbehaving", Name: "a", IsTemporary: true}},
		{"connect timeout", context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var working atomic.Int32
			var both atomic.Bool
			release := make(chan struct{})
			l, _ := net.Listen("tcp", "127.0.0.1:0")
			defer l.Close()
			var mu sync.Mutex
			var ours []net.Conn
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						_, _ = http.ReadRequest(bufio.NewReader(c))
						working.Add(1) // generates, and is not told
						<-release
						working.Add(-1)
						c.Close()
					}()
				}
			}()
			dials := 0
			faulty := connect(t, "http://"+l.Addr().String(), func(o *setup) {
				o.Dial = func(ctx context.Context, n, a string) (net.Conn, error) {
					if dials++; dials > 1 {
						return nil, tt.err
					}
					c, err := net.Dial(n, a)
					mu.Lock()
					defer mu.Unlock()
					lost := &lostConn{Conn: c, lose: make(chan struct{})}
					ours = append(ours, lost)
					return lost, err
				}
			})
			other := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/health" {
					both.Store(working.Load() == 1)
					_, _ = io.WriteString(w, "other")
				}
			})
			p := NewPool("", []*Server{connect(t, other.URL), faulty}, nil)
			go func() {
				for working.Load() == 0 {
					time.Sleep(time.Millisecond)
				}
				mu.Lock()
				defer mu.Unlock()
				close(ours[0].(*lostConn).lose)
			}()
			_, body, failure := ask(t, p)
			close(release)
			if both.Load() {
				t.Errorf("sent to the other one while the first is working on it (answer %q, %v)", body, failure)
			}
		})
	}
}

// lostConn ends as TCP does when keep-alive probes are not answered: the other side is told nothing.
type lostConn struct {
	net.Conn
	lose chan struct{}
}

func (c *lostConn) Read(p []byte) (int, error) {
	<-c.lose
	return 0, &net.OpError{Op: "read", Err: syscall.ETIMEDOUT}
}

// TestDeadlyRequest: a request that kills its server is tried at two others.
func TestDeadlyRequest(t *testing.T) {
	var hit atomic.Int32
	var addresses []string
	for range 4 {
		addresses = append(addresses, listenOnce(t, func(_ int, c *peer) {
			c.request()
			hit.Add(1)
			_ = c.SetDeadline(time.Now())
		}).url())
	}
	p, _ := poolOf(t, addresses...)
	_, _, failure := ask(t, p)
	if failure == nil || hit.Load() != diedMax+1 {
		t.Errorf("error %v after %d servers, want %d", failure, hit.Load(), diedMax+1)
	}
}
