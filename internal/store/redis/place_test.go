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
// Nothing stays charged, and no place stays taken.
func TestStalledServerKeepsNobody(t *testing.T) {
	const callers, soon = placesMost + 300, 3500 * time.Millisecond
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
	if n := len(s.places.taken); n != 0 {
		t.Errorf("%d places are taken, and nobody calls", n)
	}
	mustStand(t, s, p, "u", standing{0, 0, 0})
}

// TestPlaces: a call whose caller has gone keeps its place until the server answers a
// later one, or the connection ends.
func TestPlaces(t *testing.T) {
	p := newPlaces()
	ended, end := context.WithCancel(t.Context())
	end()
	for range placesMost {
		if !p.take(t.Context()) {
			t.Fatal("no place is free")
		}
	}
	for range 3 {
		p.leave(context.DeadlineExceeded)
		p.leave(context.Canceled)
	}
	if p.take(ended) {
		t.Error("a place is free whose call is in the queue")
	}
	waiting := make(chan bool)
	go func() { waiting <- p.take(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	p.leave(nil)
	if !<-waiting {
		t.Error("who has waited gets no place")
	}
	<-p.taken
	if n := len(p.taken); n != placesMost-7 {
		t.Errorf("%d places are taken after an answer, want %d", n, placesMost-7)
	}
	p.leave(context.DeadlineExceeded)
	p.leave(errors.New("the connection has ended"))
	if n := len(p.taken); n != placesMost-9 {
		t.Errorf("%d places are taken after the end of a connection, want %d", n, placesMost-9)
	}
}
