package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// ward is a model server in one of these states, whose checks are counted.
type ward struct {
	mu    sync.Mutex
	state string
	asked []time.Time
	told  []Condition
}

const (
	well   = "well"
	ill    = "ill"    // /health answers 503
	deaf   = "deaf"   // takes connections and says nothing
	absent = "absent" // refuses connections
	other  = "other"  // knows no /health
	busy   = "busy"   // answers requests, but no checks
)

func (w *ward) set(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.asked, w.told = state, nil, nil
}

func (w *ward) checks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

func (w *ward) dial(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	w.asked = append(w.asked, time.Now())
	state := w.state
	w.mu.Unlock()
	if state == absent {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		r, err := http.ReadRequest(bufio.NewReader(far))
		if err != nil {
			return
		}
		if r.URL.Path == listPath {
			w.mu.Lock()
			w.asked = w.asked[:max(0, len(w.asked)-1)] // it is no check
			w.mu.Unlock()
		}
		state := state
		if state == busy {
			state = map[bool]string{true: deaf, false: well}[r.URL.Path == "/health"]
		}
		say := map[string]string{
			well:  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			ill:   "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			other: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		}[state]
		if state == deaf {
			_, _ = io.Copy(io.Discard, far)
		}
		_, _ = io.WriteString(far, say)
	}()
	return near, nil
}

// TestWatch lets time pass in a bubble and looks when a server is asked, and
// what is made of its answers.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &ward{state: well}
		s := connect(t, "http://ward", func(o *setup) {
			o.Dial = w.dial
			o.Changed = func(s Condition) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.told = append(w.told, s)
			}
		})
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Watch(ctx)
		}()
		here, gone := Condition{Reachable: true, Breaker: BreakerClosed}, Condition{Breaker: BreakerOpen}
		for i, tt := range []struct {
			state     string
			after     time.Duration
			checks    int
			condition Condition
			told      []Condition
		}{
			{well, time.Second, 1, here, nil},                                             // at once
			{well, 10 * time.Second, 2, here, nil},                                        // then every five seconds
			{ill, 4500 * time.Millisecond, 1, gone, []Condition{gone}},                    // its word is enough
			{ill, 10 * time.Second, 10, gone, nil},                                        // now every second
			{well, 2 * time.Second, 1, here, []Condition{here}},                           // and then at its pace again
			{deaf, 14 * time.Second, 2, here, nil},                                        // it may be busy
			{deaf, 6 * time.Second, 1, gone, []Condition{gone}},                           // but not for ever
			{other, 5 * time.Second, 1, here, []Condition{here}},                          // another kind of server
			{absent, time.Second, 1, gone, []Condition{gone}},                             // nobody is there
			{well, 6500 * time.Millisecond, 2, here, []Condition{here}},                   // back
			{deaf, 14 * time.Second, 2, here, nil},                                        // what was silent before
			{well, 7 * time.Second, 1, here, nil}, {deaf, 14 * time.Second, 2, here, nil}, // is forgotten
		} {
			if i > 0 { // it may have been asked already, as it was made
				w.set(tt.state)
			}
			time.Sleep(tt.after)
			synctest.Wait()
			if n := w.checks(); n != tt.checks {
				t.Errorf("step %d: asked %d times, want %d", i, n, tt.checks)
			}
			if got := s.breaker.condition(); got != tt.condition {
				t.Errorf("step %d: its condition is %+v, want %+v", i, got, tt.condition)
			}
			if cause := s.Cause(); tt.condition.Reachable != (cause == nil) {
				t.Errorf("step %d: the cause is %v", i, cause)
			}
			w.mu.Lock()
			if !slices.Equal(w.told, tt.told) {
				t.Errorf("step %d: told %+v, want %+v", i, w.told, tt.told)
			}
			w.mu.Unlock()
		}
		end()
		<-ended
	})
}

// TestWatchAlarmed: a request that finds nobody has the server asked again soon,
// not when its turn comes.
func TestWatchAlarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &ward{state: well}
		s := connect(t, "http://ward", func(o *setup) { o.Dial, o.CheckInterval = w.dial, time.Hour })
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Watch(ctx)
		}()
		time.Sleep(time.Minute)
		w.set(absent)
		if _, _, failure := ask(t, NewPool("", []*Server{s}, nil)); failure == nil || failure.Kind != Refused {
			t.Errorf("error %v", failure)
		}
		synctest.Wait()
		w.set(well)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if n := w.checks(); n != 1 || !s.breaker.condition().Reachable {
			t.Errorf("asked %d times within 1.5 s; its condition is %+v", n, s.breaker.condition())
		}
		end()
		<-ended
	})
}

// TestCheckGivenUp: an asker who leaves finds out nothing.
func TestCheckGivenUp(t *testing.T) {
	s := connect(t, closedAddress(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if !s.breaker.condition().Reachable {
		t.Error("the server is away")
	}
}

func TestPoolCheck(t *testing.T) {
	for _, tt := range []struct {
		addresses []string
		well      bool
	}{
		{[]string{named(t, "a").URL}, true},
		{[]string{closedAddress(t)}, false},
		{[]string{closedAddress(t), named(t, "a").URL, full(t, 503)}, true},
		{[]string{closedAddress(t), full(t, 503)}, false},
	} {
		p, _ := poolOf(t, tt.addresses...)
		if got := p.Check(t.Context()); got != tt.well {
			t.Errorf("%d servers: well is %v, want %v", len(tt.addresses), got, tt.well)
		}
	}
}

// TestWatchBusy: a server that is too busy to answer checks in time is not away
// as long as it answers requests.
func TestWatchBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &ward{state: busy}
		s := connect(t, "http://ward", func(o *setup) { o.Dial = w.dial })
		p := NewPool("", []*Server{s}, nil)
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Watch(ctx)
		}()
		for range 20 {
			time.Sleep(10 * time.Second)
			if _, _, failure := ask(t, p); failure != nil {
				t.Fatal(failure)
			}
		}
		w.set(deaf)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if s.breaker.condition().Reachable {
			t.Error("a server that answers nothing at all is not away")
		}
		end()
		<-ended
	})
}
