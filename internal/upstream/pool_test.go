package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// failures keeps the names of servers that a pool has blamed.
type failures struct {
	mu    sync.Mutex
	names []string
}

func (f *failures) note(s *Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names = append(f.names, s.Name())
}

func (f *failures) of(s *Server) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.names {
		if name == s.Name() {
			n++
		}
	}
	return n
}

// poolOf returns a pool of servers at these addresses, and what it blames them
// for.
func poolOf(t testing.TB, addresses ...string) (*Pool, *failures) {
	t.Helper()
	servers := make([]*Server, len(addresses))
	for i, a := range addresses {
		servers[i] = connect(t, a)
	}
	f := &failures{}
	return NewPool("", servers, f.note), f
}

// ask does a request on p and returns its answer, read to the end.
func ask(t testing.TB, p *Pool) (status int, body string, failure *Error) {
	t.Helper()
	response, err := p.Do(t.Context(), post("{}"))
	if err != nil {
		return 0, "", err.(*Error)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return response.Status, string(b), err.(*Error)
	}
	return response.Status, string(b), nil
}

// named is a server that answers with its name, and is well.
func named(t testing.TB, name string) *httptest.Server {
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			_, _ = io.WriteString(w, name)
		}
	})
}

// closedAddress is the URL of an address that nobody listens on.
func closedAddress(t testing.TB) string {
	t.Helper()
	l := listenRaw(t)
	_ = l.Close()
	return "http://" + l.Addr().String()
}

func TestPoolTakesTurns(t *testing.T) {
	p, _ := poolOf(t, named(t, "a").URL, named(t, "b").URL, named(t, "c").URL)
	seen := map[string]int{}
	for range 30 {
		_, name, failure := ask(t, p)
		if failure != nil {
			t.Fatal(failure)
		}
		seen[name]++
	}
	for _, name := range []string{"a", "b", "c"} {
		if seen[name] != 10 {
			t.Errorf("%s answered %d of 30 requests, want 10: %v", name, seen[name], seen)
		}
	}
}

// TestPoolLeastBusy holds answers open, whose requests count until the end of
// their bodies.
func TestPoolLeastBusy(t *testing.T) {
	release := make(chan struct{})
	open := func(name string) string {
		return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name)
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}).URL
	}
	p, _ := poolOf(t, open("a"), open("b"), open("c"))
	t.Cleanup(func() { close(release) })
	var answers []*Response
	count := func() []int {
		var n []int
		for _, s := range p.servers {
			n = append(n, s.Running())
		}
		return n
	}
	for range 9 {
		r, err := p.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, r)
	}
	if n := count(); !slices.Equal(n, []int{3, 3, 3}) {
		t.Fatalf("running: %v, want 3 each", n)
	}
	for _, r := range answers {
		if r.Server == p.servers[1].Name() {
			_ = r.Body.Close()
			_ = r.Body.Close()
		}
	}
	if n := count(); !slices.Equal(n, []int{3, 0, 3}) {
		t.Fatalf("running: %v, want 0 of the second", n)
	}
	for range 3 {
		r, err := p.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if r.Server != p.servers[1].Name() {
			t.Error("a busier server was asked")
		}
		answers = append(answers, r)
	}
	for _, r := range answers {
		_ = r.Body.Close()
	}
	if n := count(); !slices.Equal(n, []int{0, 0, 0}) {
		t.Errorf("running at the end: %v", n)
	}
}

// TestPoolGoesElsewhere plays one faulty server of two, which is asked first.
func TestPoolGoesElsewhere(t *testing.T) {
	hang := func(_ int, c *peer) { // accepts a request, then the process dies
		c.request()
		_ = c.SetDeadline(time.Now())
	}
	for _, tt := range []struct {
		name    string
		faulty  func(t testing.TB) string
		status  int
		kind    Kind // of the error; empty: the other one answers
		away    bool // the faulty one afterwards
		blamed  int
		reached int // requests that the other one got
	}{
		{"nobody listens", closedAddress, 200, "", true, 1, 1},
		{"it dies before it answers", func(t testing.TB) string {
			l := listenOnce(t, hang)
			return l.url()
		}, 200, "", true, 1, 1},
		{"it dies behind its head", func(t testing.TB) string {
			return listenOnce(t, func(_ int, c *peer) {
				c.request()
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			}).url()
		}, 200, "", true, 1, 1},
		{"it dies, its listener last", func(t testing.TB) string {
			// A connection that waits to be accepted is reset when the listener is closed.
			l := listenRaw(t)
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				(&peer{Conn: c, br: bufio.NewReader(c)}).request()
				_ = c.Close()
				time.Sleep(10 * time.Millisecond) // the system takes its time
				_ = l.Close()
			}()
			return "http://" + l.Addr().String()
		}, 200, "", true, 1, 1},
		{"it closes without an answer and is there", func(t testing.TB) string {
			return listen(t, hang).url()
		}, 0, Closed, false, 1, 0},
		{"it breaks off and is there", func(t testing.TB) string {
			return listen(t, func(_ int, c *peer) {
				c.request()
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			}).url()
		}, 0, Broken, false, 1, 0},
		{"it dies in its answer", func(t testing.TB) string {
			return listenOnce(t, func(_ int, c *peer) {
				c.request()
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok")
			}).url()
		}, 200, Broken, false, 1, 0},
		{"its queue is full", func(t testing.TB) string {
			return full(t, http.StatusOK)
		}, 200, "", false, 0, 1},
		{"it is ill", func(t testing.TB) string {
			return full(t, http.StatusServiceUnavailable)
		}, 0, Away, true, 1, 0},
		{"it fails", func(t testing.TB) string {
			return status(t, http.StatusInternalServerError)
		}, 500, "", false, 1, 0},
		{"it has a limit of its own", func(t testing.TB) string {
			return status(t, http.StatusTooManyRequests)
		}, 429, "", false, 0, 0},
		{"it refuses", func(t testing.TB) string {
			return status(t, http.StatusBadRequest)
		}, 400, "", false, 0, 0},
		{"it does not speak HTTP", func(t testing.TB) string {
			return listen(t, answer("hello\r\n\r\n")).url()
		}, 0, httpclient.Protocol, false, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var reached atomic.Int32
			other := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				reached.Add(1)
				_, _ = io.WriteString(w, "other")
			})
			p, f := poolOf(t, other.URL, tt.faulty(t)) // the second one is asked first
			status, _, failure := ask(t, p)
			if status != tt.status || (failure == nil) != (tt.kind == "") || failure != nil && failure.Kind != tt.kind {
				t.Errorf("answer %d, error %v; want %d, %v", status, failure, tt.status, tt.kind)
			}
			faulty := p.servers[1]
			if reachable := faulty.breaker.condition().Reachable; reachable == tt.away {
				t.Errorf("the faulty one is reachable: %v", reachable)
			}
			if n := f.of(faulty); n != tt.blamed {
				t.Errorf("it was blamed %d times, want %d", n, tt.blamed)
			}
			if n := f.of(p.servers[0]); n != 0 {
				t.Errorf("the other one was blamed %d times", n)
			}
			if n := int(reached.Load()); n != tt.reached {
				t.Errorf("the other one got %d requests, want %d", n, tt.reached)
			}
			for _, s := range p.servers {
				if n := s.Running(); n != 0 {
					t.Errorf("%d requests are running at the end", n)
				}
			}
		})
	}
}

// listenRaw is a listener whose connections nobody accepts by itself.
func listenRaw(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// listenOnce plays a script for one connection and then listens no more.
func listenOnce(t testing.TB, play script) *listener {
	var l *listener
	ready := make(chan struct{})
	l = listen(t, func(n int, c *peer) {
		<-ready
		_ = l.Listener.Close()
		play(n, c)
	})
	close(ready)
	return l
}

// status is a server that is well and answers everything with a status.
func status(t testing.TB, code int) string {
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(code)
		}
	}).URL
}

// full is a server that takes no requests, and whose health has a status.
func full(t testing.TB, health int) string {
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			w.WriteHeader(health)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}).URL
}

// TestPoolFullQueues: one other is tried, not all of them.
func TestPoolFullQueues(t *testing.T) {
	var asked atomic.Int32
	busy := func() string {
		return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/health" {
				asked.Add(1)
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}).URL
	}
	p, f := poolOf(t, busy(), busy(), busy(), busy())
	for range 20 {
		asked.Store(0)
		if _, _, failure := ask(t, p); failure == nil || failure.Kind != Busy || asked.Load() != 2 {
			t.Fatalf("error %v after %d connections, want a full queue after 2", failure, asked.Load())
		}
	}
	if len(f.names) != 0 {
		t.Errorf("full queues were blamed: %v", f.names)
	}
	for _, s := range p.servers {
		if s.breaker.condition().Breaker != BreakerClosed {
			t.Errorf("a full queue opened a breaker")
		}
	}
}

// TestPoolFullAndGone: that one server is gone does not hide that another one is
// busy, and does not use up the other try.
func TestPoolFullAndGone(t *testing.T) {
	p, _ := poolOf(t, named(t, "c").URL, full(t, 200), closedAddress(t))
	for range 3 {
		if _, name, failure := ask(t, p); failure != nil || name != "c" {
			t.Errorf("answer %q, error %v", name, failure)
		}
	}
	p, _ = poolOf(t, full(t, 200), closedAddress(t))
	for range 3 {
		if _, _, failure := ask(t, p); failure == nil || failure.Kind != Busy {
			t.Errorf("error %v, want a full queue", failure)
		}
	}
}

func TestPoolAllAway(t *testing.T) {
	p, f := poolOf(t, closedAddress(t), closedAddress(t))
	if _, _, failure := ask(t, p); failure == nil || failure.Kind != Refused {
		t.Errorf("error %v, want a refused connection", failure)
	}
	_, _, failure := ask(t, p)
	if failure == nil || failure.Kind != Away || failure.Sent {
		t.Fatalf("error %v, want that all are away", failure)
	}
	for _, s := range p.servers {
		if !strings.Contains(failure.Error(), s.Address()) {
			t.Errorf("%q does not name %s", failure, s.Address())
		}
		if f.of(s) != 1 {
			t.Errorf("%s was asked %d times, want once", s.Address(), f.of(s))
		}
	}
}

// TestPoolOwnScarcity: that this process has no more descriptors is no reason to
// give a server up.
func TestPoolOwnScarcity(t *testing.T) {
	s := connect(t, "http://a", func(o *setup) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, fmt.Errorf("dial: %w", syscall.EMFILE)
		}
	})
	p := NewPool("", []*Server{s}, nil)
	for range 20 {
		if _, _, failure := ask(t, p); failure == nil || failure.Kind != Refused || !errors.Is(failure, syscall.EMFILE) {
			t.Fatalf("error %v", failure)
		}
	}
	if now := s.breaker.condition(); !now.Reachable || now.Breaker != BreakerClosed {
		t.Errorf("its condition is %+v", now)
	}
}

func TestPoolCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stuck := listen(t, func(_ int, c *peer) {
		c.request()
		cancel()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.request()
	})
	p, f := poolOf(t, stuck.url())
	_, err := p.Do(ctx, post("{}"))
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != Canceled || !failure.Sent {
		t.Errorf("error %v, want canceled", err)
	}
	if len(f.names) != 0 || p.servers[0].Running() != 0 {
		t.Errorf("a client that has left was blamed on %v; %d are running", f.names, p.servers[0].Running())
	}
}

// TestPoolBlame: what the caller finds wrong in a proper answer opens the breaker
// as other failures do, once per answer.
func TestPoolBlame(t *testing.T) {
	p, f := poolOf(t, named(t, "a").URL)
	for i := range DefaultFailures {
		r, err := p.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_, _ = io.ReadAll(r.Body)
		}
		r.Body.Blame()
		r.Body.Blame()
		_ = r.Body.Close()
	}
	if n := f.of(p.servers[0]); n != DefaultFailures {
		t.Errorf("%d failures, want %d", n, DefaultFailures)
	}
	if s := p.servers[0].breaker.condition(); s.Breaker != BreakerOpen || !s.Reachable {
		t.Errorf("it stands at %+v, want an open breaker", s)
	}
	if _, _, failure := ask(t, p); failure == nil || failure.Kind != Away {
		t.Errorf("error %v, want that it is not asked", failure)
	}
}
