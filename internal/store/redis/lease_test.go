package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// pair opens two replicas on one clock that moves by hand, without heartbeats.
func pair(t *testing.T) (a, b *Store, clock *limittest.Clock) {
	t.Helper()
	clock = limittest.NewClock()
	o := Options{Now: clock.Now, Timeout: patient, heartbeat: -1}
	o.replica = "a"
	a = open(t, o)
	o.replica = "b"
	return a, join(t, shared, o), clock
}

// pass lets time pass in which the stores go on with their heartbeats.
func pass(clock *limittest.Clock, d time.Duration, stores ...*Store) {
	for ; d > 0; d -= heartbeatEvery {
		clock.Advance(min(d, heartbeatEvery))
		for _, s := range stores {
			s.renew()
		}
	}
}

// few lets 3 requests run at once, 2 of each user.
func few(t *testing.T) *limit.Policy {
	return limittest.Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: 1000}},
		MaxConcurrent: 3, MaxConcurrentPerUser: 2,
	})
}

// fullGauges returns the gauges that keep user from running one more request.
func fullGauges(t *testing.T, s *Store, p *limit.Policy, user string) []limit.Gauge {
	t.Helper()
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, user, output(1), &g, &d); err != nil {
		t.Fatal(err)
	}
	if d.Admitted {
		t.Fatalf("%s was admitted", user)
	}
	return d.Full
}

// TestSharedSlots counts the running requests of all replicas.
func TestSharedSlots(t *testing.T) {
	a, b, _ := pair(t)
	p := few(t)
	first := mustReserve(t, a, p, "u", output(10))
	mustReserve(t, b, p, "u", output(10))
	if full := fullGauges(t, a, p, "u"); len(full) != 1 || full[0] != (limit.Gauge{Scope: limit.UserScope, Running: 2, Max: 2}) {
		t.Errorf("the full gauges are %+v, want the user's", full)
	}
	mustReserve(t, b, p, "v", output(10))
	if full := fullGauges(t, a, p, "w"); len(full) != 1 || full[0] != (limit.Gauge{Scope: limit.ModelScope, Running: 3, Max: 3}) {
		t.Errorf("the full gauges are %+v, want the model's", full)
	}
	a.Settle(first, output(10))
	mustFlush(t, a)
	mustReserve(t, b, p, "u", output(10))
}

// TestHoldingsOfAll: what requests hold is added up over all replicas, by meter, whatever
// characters the names of replicas have, and stays although others charge the account
// later, and look for what forgotten replicas have left.
func TestHoldingsOfAll(t *testing.T) {
	clock := limittest.NewClock()
	o := Options{Now: clock.Now, Timeout: patient, heartbeat: -1, replica: "gateway-7d9f-a"}
	stores := []*Store{open(t, o)}
	for _, id := range []string{"gateway-7d9f-b", "gateway_7d9f-c"} {
		o.replica = id
		stores = append(stores, join(t, shared, o))
	}
	var limits []limit.Limit
	for _, m := range []limit.Meter{limit.InputTokens, limit.OutputTokens, limit.Requests} {
		limits = append(limits, limit.Limit{Meter: m, Window: limit.Day, Max: 1 << 40})
	}
	p := limittest.Policy(t, limit.PolicyOptions{User: limits, MaxConcurrent: 100})
	for i, s := range stores {
		for n := range int64(i + 1) {
			mustReserve(t, s, p, "u", limit.Amount{Input: 100 + n, Output: 10, Requests: 1})
		}
	}
	check := func(want [3]int64, running int64) {
		t.Helper()
		for _, s := range stores {
			v, err := s.View(t.Context(), p, "u")
			if err != nil {
				t.Fatal(err)
			}
			got := [3]int64{v.Windows[0].Reserved, v.Windows[1].Reserved, v.Windows[2].Reserved}
			if got != want || v.Gauges[0].Running != running || v.Gauges[1].Running != running {
				t.Errorf("to %s the requests hold %v, and %+v run; want %v and %d", s.options.replica, got, v.Gauges, want, running)
			}
		}
	}
	check([3]int64{604, 60, 6}, 6)
	clock.Advance(time.Hour)   // a step, which ends no lease
	for i, s := range stores { // which sweeps, at the first
		mustReserve(t, s, p, "u", limit.Amount{Input: 1, Output: 2, Requests: 1})
		check([3]int64{605 + int64(i), 62 + 2*int64(i), 7 + int64(i)}, 7+int64(i))
	}
}

// TestLeaseEnds takes the slots of a replica that is silent for 10 s, and
// counts them again when it returns, above the limit if need be.
func TestLeaseEnds(t *testing.T) {
	a, b, clock := pair(t)
	p := few(t)
	g := mustReserve(t, a, p, "u", output(10))
	mustReserve(t, a, p, "u", output(10))
	mustReserve(t, a, p, "v", output(10))
	b.Serve([]string{p.Model()})

	pass(clock, sureFor-time.Millisecond, b)
	if !a.Holds(g) {
		t.Error("a does not hold its slot within its lease")
	}
	pass(clock, time.Millisecond, b)
	if a.Holds(g) {
		t.Error("a holds its slot for longer than is sure")
	}
	pass(clock, leaseTTL-sureFor-time.Millisecond, b)
	fullGauges(t, b, p, "w")
	mustStand(t, b, p, "u", standing{0, 20, 3})
	clock.Advance(time.Millisecond)
	mustStand(t, b, p, "u", standing{20, 0, 0})
	for range 2 {
		mustReserve(t, b, p, "u", output(10))
	}

	if a.Holds(g) {
		t.Error("a holds a slot that b could take")
	}
	a.renew()
	if !a.Holds(g) {
		t.Error("a does not hold its slot with a new lease")
	}
	mustStand(t, b, p, "u", standing{0, 40, 5})
	if full := fullGauges(t, b, p, "u"); len(full) != 2 || full[0].Running != 5 || full[1].Running != 4 {
		t.Errorf("the full gauges are %+v, want 5 and 4 running", full)
	}
	a.Settle(g, output(10))
	mustFlush(t, a)
	mustStand(t, b, p, "u", standing{10, 30, 4})
	if a.Holds(g) {
		t.Error("a holds the slot of what it has settled")
	}
}

// TestHeartbeat keeps a lease for as long as a request runs, and counts
// nothing.
func TestHeartbeat(t *testing.T) {
	a, b, clock := pair(t)
	p := few(t)
	mustReserve(t, a, p, "u", output(10))
	for d := time.Duration(0); d < 20*time.Minute; d += heartbeatEvery {
		clock.Set(d)
		a.renew()
	}
	mustStand(t, b, p, "u", standing{0, 10, 1})
}

// TestForgottenReplica drops all that a replica has left an hour after its
// lease ended, and settles what it ran if it returns even then.
func TestForgottenReplica(t *testing.T) {
	a, b, clock := pair(t)
	p := few(t)
	g := mustReserve(t, a, p, "u", output(10))
	mustReserve(t, b, p, "u", output(10))

	pass(clock, leaseTTL+forgetAfter, b)
	if replicaState(t, "a") == "" {
		t.Error("a was forgotten too early")
	}
	pass(clock, time.Millisecond, b)
	mustReserve(t, b, p, "u", output(10))
	for _, key := range []string{"token:concurrent:{llama2-7b}", "token:usage:{llama2-7b}:u"} {
		h, err := shared.Hash(key)
		if err != nil {
			t.Fatal(err)
		}
		for f, v := range h {
			if strings.Contains(f, ":a") || f == "replicas" && v != "b" {
				t.Errorf("%s still has %s = %s", key, f, v)
			}
		}
	}
	a.Settle(g, output(5))
	mustFlush(t, a)
	mustStand(t, b, p, "u", standing{10, 20, 2})
	if got := a.Stats().Lost; got != 1 {
		t.Errorf("lost %d, want 1", got)
	}
}
