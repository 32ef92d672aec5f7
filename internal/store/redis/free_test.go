package redis

import (
	"errors"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// TestFree frees what a replica runs that was not heard for a while. It lives all the same: what
// it runs counts again when it is heard, is settled once, and late copies of what it had sent
// are refused.
func TestFree(t *testing.T) {
	clock := limittest.NewClock()
	a := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "a"})
	b := join(t, shared, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "b"})
	p := ten(t)
	running := admitted(t, b, p, "u", 10)
	b.Settle(running[0], output(1))
	mustFlush(t, b)
	a.renew()
	free := func() (int64, error) { return a.Free(t.Context(), p.Model(), "b") }
	lives := func(when string, heard time.Duration) {
		t.Helper()
		var live *limit.LiveError
		if n, err := free(); !errors.As(err, &live) || live.Self || live.Heard != heard {
			t.Fatalf("%s: %d freed, %v; want one that was heard %v ago", when, n, err, heard)
		}
	}
	lives("at once", 0)
	clock.Advance(heartbeatEvery)
	a.renew()
	clock.Advance(heartbeatEvery - time.Millisecond)
	a.renew()
	lives("just before", limit.SilentFor-time.Millisecond)
	mustRunOf(t, a, p, 9, "u", 9)
	clock.Advance(time.Millisecond)
	if n, err := free(); n != 9 || err != nil {
		t.Fatalf("freed are %d, %v; want 9", n, err)
	}
	mustRunOf(t, a, p, 0, "u", 0)
	if n, err := free(); n != 0 || err != nil {
		t.Errorf("freed once more: %d, %v", n, err)
	}
	others := admitted(t, a, p, "v", 10)
	if len(others) != 10 {
		t.Fatalf("%d are admitted, want 10", len(others))
	}

	b.renew() // it lives
	mustFlush(t, b)
	mustRunOf(t, a, p, 19, "u", 9)
	if got := b.Stats().Restored; got != 0 {
		t.Errorf("%d were restored: nothing was lost", got)
	}
	// A late copy of its first batch changes nothing.
	m := b.model(p.Model())
	again := newBatch(m, m.self(b), 1, 1, []entry{settlement(running[0], output(50))})
	if reply, err := b.call(t.Context(), b.scripts.settle, patient, again.keys, again.request(m).args); err != nil || reply[0] != 0 {
		t.Errorf("a late copy: %v, %v; want refused", reply, err)
	}
	for _, g := range running[1:] {
		b.Settle(g, output(1))
	}
	mustFlush(t, b)
	for _, g := range others {
		a.Settle(g, output(1))
	}
	mustFlush(t, a)
	mustRunOf(t, a, p, 0, "u", 0)
	if v, err := a.View(t.Context(), p, "u"); err != nil || v.Windows[0].Used != 10 || v.Windows[0].Reserved != 0 {
		t.Errorf("u has used %+v, %v; want 10: what was reserved beyond that is given back", v.Windows, err)
	}
	if st := b.Stats(); st.Lost != 0 || st.Missing != 0 {
		t.Errorf("lost %d, missing %d", st.Lost, st.Missing)
	}
}

// TestFreeNobody: neither this process nor one that is not known is freed.
func TestFreeNobody(t *testing.T) {
	a := open(t, Options{Timeout: patient, replica: "a"})
	p := ten(t)
	mustReserve(t, a, p, "u", output(1))
	if _, err := a.Free(t.Context(), p.Model(), "nobody"); !errors.Is(err, limit.ErrNoReplica) {
		t.Errorf("nobody: %v", err)
	}
	var live *limit.LiveError
	if _, err := a.Free(t.Context(), p.Model(), "a"); !errors.As(err, &live) || !live.Self {
		t.Errorf("this process: %v", err)
	}
	mustRunOf(t, a, p, 1, "u", 1)
}
