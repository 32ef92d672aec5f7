package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestChecksAtTheSameTime: those who check at the same time share a request, and
// that it is not answered in time says nothing yet.
func TestChecksAtTheSameTime(t *testing.T) {
	var asked atomic.Int32
	srv := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	})
	s := connect(t, srv.URL)
	var group sync.WaitGroup
	for range 9 {
		group.Go(func() {
			if s.Check(t.Context()) == nil {
				t.Error("a check that was not answered is told as well")
			}
		})
	}
	group.Wait()
	if n := asked.Load(); !s.breaker.condition().Reachable || n > 4 {
		t.Errorf("it was asked %d times and stands at %+v", n, s.breaker.condition())
	}
}

// judged is a server whose breaker opens after two failures of two and half-opens
// at once; answer gives the status and the body of every answer but of checks.
func judged(t *testing.T, answer func() (int, string)) *Pool {
	t.Helper()
	srv := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			status, body := answer()
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	})
	s := connect(t, srv.URL, func(o *setup) { o.Breaker = BreakerOptions{Failures: 2, Outcomes: 2, Wait: time.Nanosecond} })
	return NewPool("", []*Server{s}, nil)
}

// TestWhatSaysNothing: an answer that says nothing about the server does not close
// a half-open breaker, and makes up for no failure.
func TestWhatSaysNothing(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
	}{{400, "{}"}, {429, ""}, {404, "no"}, {503, ""}} {
		status, body := 500, ""
		p := judged(t, func() (int, string) { return status, body })
		ask(t, p)
		status, body = tt.status, tt.body
		ask(t, p)
		status, body = 500, ""
		ask(t, p)
		if got := p.servers[0].breaker.condition().Breaker; got != BreakerOpen {
			t.Errorf("two failures with %d between them: the breaker is %v", tt.status, got)
		}
		status, body = tt.status, tt.body
		ask(t, p)
		if got := p.servers[0].breaker.condition().Breaker; got != BreakerHalfOpen {
			t.Errorf("%d as a trial: the breaker is %v", tt.status, got)
		}
	}
}

// TestBlamedAfterItsEnd: an answer that is whole HTTP and no good is one failure,
// also where that is found at its end, and also as a trial.
func TestBlamedAfterItsEnd(t *testing.T) {
	p := judged(t, func() (int, string) { return 200, "data: {}" })
	for i := range 3 {
		r, err := p.Do(t.Context(), post("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
		r.Body.Blame()
		r.Body.Abandon()
		want := BreakerOpen
		if i == 0 {
			want = BreakerClosed
		}
		if got := p.servers[0].breaker.condition().Breaker; got != want {
			t.Errorf("after %d failures the breaker is %v", i+1, got)
		}
	}
}

// TestOwnScarcity: that this process has no descriptors is no sign of a server.
func TestOwnScarcity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := connect(t, "http://a", func(o *setup) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE}
			}
		})
		ctx, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		s.Watch(ctx)
		if !s.breaker.condition().Reachable {
			t.Error("the server is away")
		}
	})
}
