package redis

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestStalledServerKeepsNobody stops a server while more calls than the client's queue
// has room for want answers: all are told soon, and not when the connection is given up.
// Nothing stays charged, and nothing in the backlog.
func TestStalledServerKeepsNobody(t *testing.T) {
	const callers, soon = backlogMax + 300, 3500 * time.Millisecond
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: 500 * time.Millisecond, heartbeat: -1})
	p := minute(t, 1<<40)
	eventually(t, "a first answer", func() bool {
		g, _, err := tryReserve(t.Context(), s, p, "u")
		s.Settle(g, limit.Amount{})
		return err == nil
	})
	mustFlush(t, s)
	server.Pause()
	var group sync.WaitGroup
	begun := time.Now()
	for range callers {
		group.Go(func() {
			if g, _, err := tryReserve(context.Background(), s, p, "u"); !errors.Is(err, limit.ErrUnavailable) || g.IsOpen() {
				t.Errorf("Reserve: %v, want ErrUnavailable", err)
			}
		})
	}
	group.Wait()
	if took := time.Since(begun); took > soon {
		t.Errorf("the last one was told after %v, want %v at the most", took, soon)
	}
	server.Resume()
	mustFlush(t, s)
	if n := len(s.backlog.calls); n != 0 {
		t.Errorf("%d calls wait, and nobody calls", n)
	}
	mustStand(t, s, p, "u", standing{0, 0, 0})
}

// TestPlacesInTheBacklog: a call that nobody waits for any more stays in the backlog until the server
// answers a later one, or the connection ends.
func TestPlacesInTheBacklog(t *testing.T) {
	p := newBacklog()
	ended, end := context.WithCancel(t.Context())
	end()
	for range backlogMax {
		if !p.enter(t.Context()) {
			t.Fatal("there is no room")
		}
	}
	for range 3 {
		p.leave(context.DeadlineExceeded)
		p.leave(context.Canceled)
	}
	if p.enter(ended) {
		t.Error("there is room, and the calls are in the queue")
	}
	waiting := make(chan bool)
	go func() { waiting <- p.enter(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	p.leave(nil)
	if !<-waiting {
		t.Error("who has waited gets no room")
	}
	<-p.calls
	if n := len(p.calls); n != backlogMax-7 {
		t.Errorf("%d calls wait after an answer, want %d", n, backlogMax-7)
	}
	p.leave(context.DeadlineExceeded)
	p.leave(errors.New("the connection has ended"))
	if n := len(p.calls); n != backlogMax-9 {
		t.Errorf("%d calls wait after the end of a connection, want %d", n, backlogMax-9)
	}
}
