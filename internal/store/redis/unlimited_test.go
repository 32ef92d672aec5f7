package redis

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// mustStandUnlimited checks what has been counted of user u in a minute, and runs.
func mustStandUnlimited(t *testing.T, s *Store, p *limit.Policy, used, running int64) {
	t.Helper()
	v, err := s.View(t.Context(), p, "u")
	if err != nil || v.Windows[0].Used != used || v.Windows[0].Reserved != 0 || v.Gauges[1].Running != running {
		t.Errorf("%+v, %v; want %d used and %d running", v, err, used, running)
	}
}

// TestUnlimitedWithoutServer: where nothing is limited no request waits for the server, nor
// is denied for want of it, and what was used while it was away is counted when it is
// back, and empty.
func TestUnlimitedWithoutServer(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := limittest.Policy(t, limit.PolicyOptions{})
	limited := minute(t, 1000)
	before := mustReserve(t, s, p, "u", output(10))
	s.Settle(mustReserve(t, s, p, "u", output(10)), output(5))
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 5, 1)

	server.Kill()
	mustClose(t, s, limited)
	during, took, err := tryReserve(t.Context(), s, p, "u")
	if err != nil || took > brief/2 {
		t.Fatalf("Reserve: %v after %v, want no wait", err, took)
	}
	if got, err := s.TopUp(t.Context(), during, output(7), limit.WithinDebt); err != nil || !got.Granted || !s.Holds(during) {
		t.Errorf("TopUp: %+v, %v; Holds: %v", got, err, s.Holds(during))
	}
	s.Settle(before, output(20))
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery", func() bool { return s.Ping(t.Context()) == nil })
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 20, 1)
	s.Settle(during, output(3))
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 23, 0)
}

// TestUnlimitedIsBounded: what waits for a server that does not come back is bounded, and
// what is given up for it is told.
func TestUnlimitedIsBounded(t *testing.T) {
	server := redistest.Start(t)
	var told, first atomic.Int64
	s := join(t, server, Options{Timeout: brief, Forgone: func(_ string, isFirst bool) {
		if told.Add(1); isFirst {
			first.Add(1)
		}
	}})
	p := limittest.Policy(t, limit.PolicyOptions{})
	mustClose(t, s, func() *limit.Policy { server.Kill(); return minute(t, 1000) }())
	start := time.Now()
	const more = 100
	for range unlimitedWaiting/2 + more {
		s.Settle(mustReserve(t, s, p, "u", output(10)), output(1))
	}
	if got := s.Stats(); got.Forgone != more || got.Waiting < unlimitedWaiting || got.Waiting > unlimitedWaiting+2 {
		t.Errorf("%d are given up, and %d wait; want %d and %d", got.Forgone, got.Waiting, more, unlimitedWaiting)
	}
	if told.Load() != more || first.Load() != 1 {
		t.Errorf("%d are told, %d of them as the first; want %d and one", told.Load(), first.Load(), more)
	}
	t.Logf("%v for each", time.Since(start)/(unlimitedWaiting/2+more))
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery", func() bool { return s.Ping(t.Context()) == nil })
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, unlimitedWaiting/2, 0)
}

// TestUnlimitedIsRestored: a request that nothing limits, and that began before anything was
// known of the replica's enrolment, is written again like any other where Redis loses it.
func TestUnlimitedIsRestored(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1})
	p := limittest.Policy(t, limit.PolicyOptions{})
	g := mustReserve(t, s, p, "u", output(10))
	mustFlush(t, s)
	s.renew()
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 0, 1)
	must(t, shared, "FLUSHALL")
	s.renew()
	s.renew()
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 0, 1)
	if got := s.Stats().Restored; got != 1 {
		t.Errorf("%d are restored, want 1", got)
	}
	s.Settle(g, output(3))
	mustFlush(t, s)
	mustStandUnlimited(t, s, p, 3, 0)
}
