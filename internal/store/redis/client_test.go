package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestDemoted: the connection to a server that takes no writes is ended, unless it is new,
// and once.
func TestDemoted(t *testing.T) {
	for _, tt := range []struct {
		age   time.Duration
		ended bool
	}{{0, false}, {demotedEvery / 2, false}, {2 * demotedEvery, true}} {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s := &Store{}
		s.demoted() // there is none
		s.wire.Store(&wire{ours, time.Now().Add(-tt.age)})
		s.demoted()
		s.demoted()
		if ended := errors.Is(ours.SetDeadline(time.Now()), io.ErrClosedPipe); ended != tt.ended || (s.wire.Load() == nil) != tt.ended {
			t.Errorf("a connection of %v is ended: %v, want %v", tt.age, ended, tt.ended)
		}
		ours.Close()
	}
}

// TestFailedHandshakeLeavesNothing: a connection that could not be encrypted is closed.
func TestFailedHandshakeLeavesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			closed <- err
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patient))
		_, _ = io.WriteString(c, "this is no handshake, and no alert\n")
		_, err = io.Copy(io.Discard, c)
		closed <- err
	}()
	c, err := dial(t.Context(), l.Addr().String(), &net.Dialer{}, &tls.Config{ServerName: "x"})
	var failed *handshakeError
	if c != nil || !errors.As(err, &failed) {
		t.Errorf("connect: %v, %v; want a handshake that failed", c, err)
	}
	if err := <-closed; errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Errorf("the connection is open still: %v", err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// TestProbesHaveTime: a server that is further away than calls may take is found, for a
// probe has time to connect.
func TestProbesHaveTime(t *testing.T) {
	server := redistest.Start(t)
	link := server.NewLink(t, 60*time.Millisecond)
	s, err := New(t.Context(), Options{Address: link.Addr, Timeout: time.Millisecond, heartbeat: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if !s.gate.isOpen() {
		t.Errorf("the server is not found: %v", s.ready())
	}
}

// TestOneRehearsalAConnection: after a connection was lost the commands are tried once, and
// what was not sent meanwhile is no failure.
func TestOneRehearsalAConnection(t *testing.T) {
	tries, untried := 0, 0
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient, heartbeat: -1, Observe: func(operation string, _ time.Duration, err error) {
		if operation == "try" {
			tries++
		}
		if errors.Is(err, errUntried) {
			untried++
		}
	}})
	p := minute(t, 1000)
	mustReserve(t, s, p, "u", output(1))
	for range 3 {
		tries = 0
		command(t, server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		eventually(t, "served", func() bool {
			g, _, err := tryReserve(t.Context(), s, p, "u")
			return err == nil && g.IsOpen()
		})
		mustReserve(t, s, p, "u", output(1))
		mustFlush(t, s)
		if tries != 2 { // by its hash, and whole
			t.Errorf("%d scripts have tried the commands, want 2", tries)
		}
	}
	if untried != 0 {
		t.Errorf("%d calls that were not sent count as failures", untried)
	}
}

// TestAnAnswerEndsFailures: what counts is how many calls fail in a row.
func TestAnAnswerEndsFailures(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	mustReserve(t, s, p, "u", output(1)) // brings the scripts
	s.gate.failures.Store(failuresToClose - 1)
	mustReserve(t, s, p, "u", output(1))
	if n := s.gate.failures.Load(); n != 0 {
		t.Errorf("after an answer %d failures count", n)
	}
	s.gate.failures.Store(1)
	ended, cancel := contextThatEnds()
	defer cancel()
	if err := s.Ping(ended); !errors.Is(err, context.Canceled) || s.gate.failures.Load() != 1 {
		t.Errorf("Ping that was given up: %v, and %d failures count", err, s.gate.failures.Load())
	}
}

// TestCloseWaits: nothing of the store runs once it is closed.
func TestCloseWaits(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	s.done.Add(1)
	closed := make(chan error)
	go func() { closed <- s.Close(t.Context()) }()
	select {
	case <-closed:
		t.Error("the store is closed, and something of it runs")
		s.done.Done()
		return
	case <-time.After(50 * time.Millisecond):
	}
	s.done.Done()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
