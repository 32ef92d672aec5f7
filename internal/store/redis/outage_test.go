package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// brief is the timeout of stores whose server fails: long enough for a busy
// machine while it works, short enough to wait for.
const brief = 300 * time.Millisecond

// tryReserve reserves output(10) for user, and returns how long it took, too.
func tryReserve(ctx context.Context, s *Store, p *limit.Policy, user string) (*limit.Grant, time.Duration, error) {
	var g limit.Grant
	var d limit.Decision
	start := time.Now()
	err := s.Reserve(ctx, p, user, output(10), &g, &d)
	return &g, time.Since(start), err
}

// mustClose makes calls fail until the gate is closed.
func mustClose(t *testing.T, s *Store, p *limit.Policy) {
	t.Helper()
	for i := 0; s.gate.isOpen(); i++ {
		g, took, err := tryReserve(t.Context(), s, p, "u")
		if !errors.Is(err, limit.ErrUnavailable) || g.IsOpen() {
			t.Fatalf("call %d: %v, and the grant is open: %v; want ErrUnavailable", i, err, g.IsOpen())
		}
		if took > brief+2*time.Second {
			t.Errorf("call %d took %v, with a timeout of %v", i, took, brief)
		}
	}
}

// TestSilentServer stops the server in its tracks. Calls fail within their
// deadline, then at once; when it goes on it finds them all in its buffers,
// and nothing of them stays charged.
func TestSilentServer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))

	s.unmade.Store(&unmade{time.Now(), errors.New("what kept a connection from being made, long ago")})
	server.Pause()
	s.Settle(g, output(40))
	if err := s.sign(t.Context(), brief); err == nil || strings.Contains(err.Error(), "long ago") {
		t.Errorf("a sign of life: %v", err)
	}
	mustClose(t, s, p)
	if _, took, err := tryReserve(t.Context(), s, p, "u"); !errors.Is(err, limit.ErrUnavailable) || took > brief/2 {
		t.Errorf("with the gate closed: %v after %v, want ErrUnavailable at once", err, took)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("Ping: %v, want ErrUnavailable", err)
	}
	// What failed to connect was not sent, and is not cancelled.
	cancelled := s.Stats().Waiting - 1
	if cancelled < 1 || cancelled > failuresToClose {
		t.Errorf("%d cancellations wait, want 1 to %d", cancelled, failuresToClose)
	}

	server.Resume()
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{40, 0, 0})
	if n := s.pending.begin(); s.pending.lowest() != n {
		t.Errorf("%d is pending still", s.pending.lowest())
	}
	if got := s.Stats(); got.Cancelled != int64(cancelled) || got.Lost != 0 || got.Missing != 0 || got.Waiting != 0 {
		t.Errorf("the stats are %+v, want %d cancelled and nothing lost, missing or waiting", got, cancelled)
	}
}

// TestTopUpOfSilentServer gives up a top-up; the grant is what it was.
func TestTopUpOfSilentServer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	server.Pause()
	if _, err := s.TopUp(t.Context(), g, limit.Amount{Output: 50}, limit.WithinDebt); !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("TopUp: %v, want ErrUnavailable", err)
	}
	if got := g.Granted(); got != output(100) {
		t.Errorf("granted %+v, want %+v", got, output(100))
	}
	if into := g.Account.(*holding).part(); into != 0 {
		t.Errorf("the next top-up may be added to record %d, although that is in doubt", into)
	}
	server.Resume()
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{0, 100, 1})
	s.Settle(g, output(90))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{90, 0, 0})
}

// TestServerRestarts kills the server and starts it again, empty. The store
// recovers by itself, and the requests of before settle without harm.
func TestServerRestarts(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	server.Kill()
	mustClose(t, s, p)
	s.Settle(g, output(130))
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery", func() bool { return s.Ping(t.Context()) == nil })
	if e := s.trouble.Load(); e != nil {
		t.Errorf("the trouble of before is told still: %v", e)
	}
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{30, 0, 0})
	s.Settle(mustReserve(t, s, p, "u", output(10)), output(10))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{40, 0, 0})
}

// TestStartsWithoutServer starts a store before its server.
func TestStartsWithoutServer(t *testing.T) {
	server := redistest.Start(t)
	server.Kill()
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	_, _, err := tryReserve(t.Context(), s, p, "u")
	if !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("Reserve: %v, want ErrUnavailable", err)
	}
	if got := s.Stats().Waiting; got != 0 {
		t.Errorf("%d entries wait for a server that was never asked", got)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery", func() bool { return s.Ping(t.Context()) == nil })
	mustReserve(t, s, p, "u", output(10))
}

// TestCallerGivesUp cancels the context of a caller: the charge is undone, and
// the server is not blamed.
func TestCallerGivesUp(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient})
	p := minute(t, 1000)
	mustReserve(t, s, p, "u", output(100))
	server.Pause()
	for range failuresToClose + 1 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, _, err := tryReserve(ctx, s, p, "u")
		cancel()
		if !errors.Is(err, limit.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reserve: %v, want ErrUnavailable and the context's error", err)
		}
	}
	if !s.gate.isOpen() {
		t.Error("the gate is closed")
	}
	server.Resume()
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{0, 100, 1})
}

// TestFullServer lets the server refuse to write. A refused script has changed
// nothing, so that nothing is to be cancelled, and settlements wait.
func TestFullServer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient})
	p := minute(t, 1000)
	a, b := mustReserve(t, s, p, "u", output(100)), mustReserve(t, s, p, "u", output(100))
	limitMemory := func(bytes string) {
		if _, err := server.Do("CONFIG", "SET", "maxmemory", bytes); err != nil {
			t.Fatal(err)
		}
	}
	limitMemory("1")
	if _, _, err := tryReserve(t.Context(), s, p, "u"); !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("Reserve: %v, want ErrUnavailable", err)
	}
	if got := s.Stats().Waiting; got != 0 || !s.gate.isOpen() {
		t.Errorf("%d entries wait, and the gate is open: %v; want 0 and true", got, s.gate.isOpen())
	}
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Ping: %v, want what the server answered", err)
	}
	s.Settle(a, output(30))
	eventually(t, "an attempt", func() bool { return s.Stats().Repeated > 0 })
	limitMemory("0")
	mustFlush(t, s)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	mustStand(t, s, p, "u", standing{30, 100, 1})
	s.Settle(b, output(20))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{50, 0, 0})
}

// TestRefusedSettlement puts a foreign value where an account was. The batch
// is tried less and less often, Refused tells why all the time, whatever else
// succeeds, and nothing is lost once the key is gone. The store decides meanwhile.
func TestRefusedSettlement(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	poisoned, behind := mustReserve(t, s, p, "u", output(100)), mustReserve(t, s, p, "v", output(100))
	key := userKey(modelKey(p.Model()), "u")
	for _, command := range [][]string{{"RENAME", key, "{llama2-7b}aside"}, {"SET", key, "foreign"}} {
		if _, err := shared.Do(command...); err != nil {
			t.Fatal(err)
		}
	}
	s.Settle(poisoned, output(30))
	s.Settle(behind, output(40))
	st := s.model(p.Model()).outbox
	eventually(t, "refusals", func() bool { return s.Stats().Refused >= 3 })
	mustReserve(t, s, p, "w", output(1))
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v, though others are decided", err)
	}
	if err := s.Refused(p.Model()); !errors.Is(err, limit.ErrUnavailable) || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Refused: %v, want what the server answered", err)
	}
	time.Sleep(200 * time.Millisecond) // in which it is tried a few times more
	if got := st.pauseAfter(refusedPauseMax, false); got != refusedPauseMax {
		t.Errorf("the longest pause is %v, want %v", got, refusedPauseMax)
	}
	if got := s.Stats(); got.Waiting != 2 || got.Refused > 12 || got.Batches != 0 {
		t.Errorf("the stats are %+v, want 2 waiting after a few attempts", got)
	}

	if _, err := shared.Do("RENAME", "{llama2-7b}aside", key); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, s)
	if err := errors.Join(s.Ping(t.Context()), s.Refused(p.Model())); err != nil {
		t.Errorf("once the key is as it was: %v", err)
	}
	mustStand(t, s, p, "u", standing{30, 0, 1})
	mustStand(t, s, p, "v", standing{40, 0, 1})
	if got := s.Stats(); got.Waiting != 0 || got.Lost != 0 || got.Missing != 0 {
		t.Errorf("the stats are %+v, want nothing waiting, lost or missing", got)
	}
}

// TestCloseWithoutServer gives up what cannot be settled.
func TestCloseWithoutServer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	server.Kill()
	s.Settle(g, output(10))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v, want the context's error", err)
	}
	if err := s.Close(t.Context()); !errors.Is(err, limit.ErrClosed) {
		t.Errorf("Close again: %v, want ErrClosed", err)
	}
	if _, _, err := tryReserve(t.Context(), s, p, "u"); !errors.Is(err, limit.ErrClosed) {
		t.Errorf("Reserve: %v, want ErrClosed", err)
	}
}

// TestWrongPassword tells what the server says.
func TestWrongPassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "secret")
	s := join(t, server, Options{Timeout: brief, Password: "wrong"})
	if err := s.Ping(t.Context()); !errors.Is(err, limit.ErrUnavailable) || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("Ping: %v, want ErrUnavailable because of WRONGPASS", err)
	}
	s = join(t, server, Options{Timeout: brief, Password: "secret", Database: 3})
	mustReserve(t, s, minute(t, 1000), "u", output(10))
}

// TestSilentNetwork starts on an address that accepts and never answers.
func TestSilentNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	start := time.Now()
	s, err := New(t.Context(), Options{Address: l.Addr().String(), Timeout: brief})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("New took %v", took)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, limit.ErrUnavailable) {
		t.Errorf("Ping: %v, want ErrUnavailable", err)
	}
}
