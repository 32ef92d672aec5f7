package redis

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// nothing says that no model is served.
func nothing(string) bool { return false }

// outboxes returns how many goroutines carry settlements.
func outboxes() int {
	b := make([]byte, 1<<20)
	return strings.Count(string(b[:runtime.Stack(b, true)]), "redis.(*outbox).run(")
}

// knows returns how many models the store serves.
func knows(s *Store) int { return len(s.all()) }

// replicaOf returns what is kept of a replica of the default model: the end of its
// lease, and its running requests, last batch and floor.
func replicaOf(t *testing.T, id string) (state [4]int64) {
	t.Helper()
	for i, f := range strings.Fields(replicaState(t, id))[:4] {
		var err error
		if state[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return state
}

// mustRefuseMore asks for more than user has room for.
func mustRefuseMore(t *testing.T, s *Store, p *limit.Policy, user string) {
	t.Helper()
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, user, output(1<<40), &limit.Grant{}, &d); err != nil || d.Admitted {
		t.Fatalf("Reserve: %v, %+v; want denied", err, d)
	}
}

// TestForget: a model that is served no more is kept while a request of it runs and
// while its settlements wait. Then its goroutine ends and its lease is over; it
// returns as new, and what it settles is settled.
func TestForget(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, replica: "me", heartbeat: -1})
	p := minute(t, 1000)
	before := outboxes()
	g := mustReserve(t, s, p, "u", output(100))
	mustRefuseMore(t, s, p, "u") // who is denied does not keep the model
	s.Serve([]string{"unused"})
	s.Forget(nothing)
	if keys := keysOf(t, shared); slices.Contains(keys, replicasKey("unused")) {
		t.Errorf("a model that was never used has left %q", keys)
	}
	if knows(s) != 1 || !s.Holds(g) {
		t.Fatal("a model with a running request is forgotten")
	}
	if _, err := s.TopUp(t.Context(), g, limit.Amount{Output: 5}, limit.WithinDebt); err != nil {
		t.Fatal(err)
	}
	s.Settle(g, output(30))
	mustFlush(t, s)
	s.Forget(func(name string) bool { return name == p.Model() })
	if knows(s) != 1 {
		t.Fatal("a model that is served is forgotten")
	}
	clock.Set(1000)
	s.Forget(nothing)
	if knows(s) != 0 {
		t.Fatal("a model that is not served is not forgotten")
	}
	eventually(t, "the end of the goroutine", func() bool { return outboxes() == before })
	end := replicaOf(t, "me")
	if end[0] != int64(clock.Now()) || end[1] != 0 || end[2] == 0 {
		t.Errorf("of the replica is known %v, want a lease that is over, nothing running, and the last batch", end)
	}
	s.renew()
	if again := replicaOf(t, "me"); again != end {
		t.Errorf("the lease is renewed: %v", again)
	}

	g = mustReserve(t, s, p, "u", output(100))
	mustStand(t, s, p, "u", standing{30, 100, 1})
	s.Settle(g, output(40))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{70, 0, 0})
	if back := replicaOf(t, "me"); back[0] <= int64(clock.Now()) || back[2] <= end[2] {
		t.Errorf("once it has returned, %v is known of the replica, after %v", back, end)
	}
	if got := s.Stats(); got.Lost != 0 || got.Missing != 0 || got.Batches != 2 {
		t.Errorf("the stats are %+v, want 2 batches and nothing lost or missing", got)
	}
}

// TestForgetWaits: settlements that the server has not taken yet keep the model.
func TestForgetWaits(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: brief})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	server.Pause()
	s.Settle(g, output(30))
	s.Forget(nothing)
	if knows(s) != 1 {
		t.Fatal("settlements are forgotten")
	}
	server.Resume()
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{30, 0, 0})
	s.Forget(nothing)
	if knows(s) != 0 {
		t.Error("the model is kept, and nothing waits")
	}
}

// TestLateAfterForget: copies of what was sent before a model was forgotten arrive
// after that, and after it has returned.
func TestLateAfterForget(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, replica: "me", heartbeat: -1})
	p := minute(t, 1000)
	g := mustReserve(t, s, p, "u", output(100))
	e, m := settlement(g, output(140)), s.model(p.Model())
	s.Settle(g, output(140))
	mustFlush(t, s)
	old := replicaOf(t, "me")
	s.Forget(nothing)
	late := func(when string, want standing) {
		t.Helper()
		if reply := sent(t, s, m, uint64(old[2]), uint64(old[3]), e); reply[0] != 0 {
			t.Errorf("%s, a late batch is applied: %v", when, reply)
		}
		program := m.program(p)
		args := program.reserve(uint64(old[3])-1, m.self(s), output(10))
		reply, err := s.call(t.Context(), s.scripts.reserve, patient, m.keys(m.user("u")), args)
		if err != nil || reply[0] != verdictRefused {
			t.Errorf("%s, a late charge: %v, %v; want that it is refused", when, reply, err)
		}
		mustStand(t, s, p, "u", want)
	}
	late("once it is forgotten", standing{140, 0, 0})
	s.Forget(nothing)
	g = mustReserve(t, s, p, "u", output(100))
	late("once it has returned", standing{140, 100, 1})
	s.giveBack(m) // late too
	if state := replicaOf(t, "me"); state[0] <= int64(clock.Now()) || state[1] != 1 {
		t.Errorf("a lease is taken from a running request: %v", state)
	}
	s.Settle(g, output(10))
	mustFlush(t, s)
	late("once it has settled more", standing{150, 0, 0})
}

// TestForgetUnderLoad: models are forgotten and return while requests of theirs run
// and settle, and connections are cut. The books hold what was used, exactly.
func TestForgetUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	var forgotten atomic.Int64
	s := join(t, server, Options{Timeout: patient, heartbeat: 5 * time.Millisecond, Observe: func(operation string, _ time.Duration, _ error) {
		if operation == "leave" {
			forgotten.Add(1)
		}
	}})
	policies := []*limit.Policy{of(t, "a"), of(t, "b"), of(t, "c"), of(t, "d")}
	for i, p := range policies {
		policies[i] = limittest.Policy(t, limit.PolicyOptions{
			Model: p.Model(), User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}}, MaxConcurrent: 1000,
		})
	}
	var used [4]atomic.Int64
	var requests, others sync.WaitGroup
	done := make(chan struct{})
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			s.Forget(nothing)
			if i%200 == 199 {
				_, _ = server.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			}
			time.Sleep(200 * time.Microsecond)
		}
	})
	for i := range 6 {
		requests.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 9))
			for range 150 {
				n, err := chaoticRequest(t, s, policies[i%4], 0, r)
				used[i%4].Add(n)
				if err != nil || r.IntN(4) == 0 {
					time.Sleep(3 * time.Millisecond) // the model rests, and may be forgotten
				}
			}
		})
	}
	requests.Wait()
	close(done)
	others.Wait()
	mustFlush(t, s)
	for i, p := range policies {
		eventually(t, "an answer", func() bool { return s.Ping(t.Context()) == nil })
		mustStand(t, s, p, "u0", standing{used[i].Load(), 0, 0})
	}
	if got := s.Stats(); got.Lost != 0 || got.Missing != 0 || got.Waiting != 0 || forgotten.Load() == 0 {
		t.Errorf("the stats are %+v, and %d times a model was forgotten; want nothing lost, missing or waiting, and some", got, forgotten.Load())
	}
	t.Logf("%d times a model was forgotten; %+v", forgotten.Load(), s.Stats())
}
