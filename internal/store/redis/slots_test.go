package redis

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// mustSlots returns what s tells of the replicas of llama2-7b.
func mustSlots(t *testing.T, s *Store) []limit.ReplicaSlots {
	t.Helper()
	got, err := s.Slots(t.Context(), "llama2-7b")
	if err != nil {
		t.Fatal(err)
	}
	return got.Replicas
}

// TestSlotsOfReplicas: each replica is told with what it runs, and one that is silent counts
// as long as its lease lasts.
func TestSlotsOfReplicas(t *testing.T) {
	clock := limittest.NewClock()
	a := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "a"})
	b := join(t, shared, Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "b"})
	p := minute(t, 1000)
	if got := mustSlots(t, a); len(got) != 0 {
		t.Fatalf("before all: %+v", got)
	}
	mustReserve(t, a, p, "u", output(1))
	for range 2 {
		mustReserve(t, b, p, "v", output(1))
	}
	own, other := limit.ReplicaSlots{Replica: "a", Self: true, Running: 1, Counts: true}, limit.ReplicaSlots{Replica: "b", Running: 2, Counts: true}
	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff([]limit.ReplicaSlots{own, other}, mustSlots(t, a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	check("at first")
	for range 3 {
		clock.Advance(heartbeatEvery)
		a.renew()
		other.Heard += heartbeatEvery
		check("b is silent")
	}
	clock.Advance(time.Second)
	a.renew()
	other.Heard, other.Counts = leaseTTL, false
	check("the lease of b has ended")
}
