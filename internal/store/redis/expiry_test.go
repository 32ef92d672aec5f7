package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// mustLive fails where the key does not live for at least d, and at most a
// few minutes more.
func mustLive(t *testing.T, key string, d time.Duration) {
	t.Helper()
	reply, err := shared.Do("PTTL", key)
	if err != nil {
		t.Fatal(err)
	}
	ms, _ := reply.(int64)
	if got := time.Duration(ms) * time.Millisecond; got < d || got > d+2*time.Minute {
		t.Errorf("%s lives for %v, want %v and a little more", key, got, d)
	}
}

// TestExpiry checks that keys live as long as they count, and no longer.
func TestExpiry(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient})
	tokens := func(w limit.Window) limit.PolicyOptions {
		return limit.PolicyOptions{User: []limit.Limit{{Meter: limit.Tokens, Window: w, Max: 1000}}, Total: []limit.Limit{{Meter: limit.Tokens, Window: w, Max: 1000}}}
	}
	const user, total, day = "token:usage:{llama2-7b}:u", "token:usage:{llama2-7b}", 24*time.Hour + 30*time.Minute
	short, long := limittest.Policy(t, tokens(limit.Minute)), limittest.Policy(t, tokens(limit.Day))

	g, other := mustReserve(t, s, short, "u", output(10)), mustReserve(t, s, short, "u", output(10))
	mustLive(t, user, day)
	mustLive(t, total, day)
	mustLive(t, "token:concurrent:{llama2-7b}", enrolledTTL-time.Minute)
	clock.Set(3 * time.Minute)
	s.Settle(g, output(20))
	mustFlush(t, s)
	mustLive(t, user, day)
	s.Settle(other, output(20))
	mustFlush(t, s)
	mustLive(t, user, 61*time.Second)
	mustLive(t, total, 61*time.Second)

	g = mustReserve(t, s, short, "u", output(10)) // in the same minute
	mustLive(t, user, day)
	s.Settle(g, output(20))
	mustFlush(t, s)
	mustLive(t, user, 61*time.Second)

	s.Settle(mustReserve(t, s, long, "u", output(10)), output(10))
	mustFlush(t, s)
	mustLive(t, user, day)
	mustLive(t, total, day)

	// Where nothing is new keys are told to live on as time passes, and the replicas' always.
	const replicas = "token:concurrent:{llama2-7b}"
	soon := func() {
		for _, key := range []string{user, total, replicas} {
			must(t, shared, "PEXPIRE", key, "100000")
		}
	}
	g = mustReserve(t, s, long, "u", output(10))
	soon()
	s.renew()
	mustLive(t, replicas, enrolledTTL-time.Minute)
	clock.Advance(time.Minute)
	soon()
	s.Settle(g, output(5))
	mustFlush(t, s)
	mustLive(t, user, day)
	mustLive(t, total, day)
	mustLive(t, replicas, enrolledTTL-time.Minute)

	// A settlement may be what brings a longer window.
	g = mustReserve(t, s, short, "v", output(10))
	e := settlement(g, output(20))
	e.program = newProgram(long)
	soon()
	sent(t, s, s.model(short.Model()), s.batches.Add(1), 1, e)
	mustLive(t, user[:len(user)-1]+"v", day)
}

// snapshot returns all that the shared server has.
func snapshot(t *testing.T) map[string]string {
	t.Helper()
	keys, err := shared.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, k := range keys.([]any) {
		h, err := shared.Hash(k.(string))
		if err != nil {
			t.Fatal(err)
		}
		all[k.(string)] = fmt.Sprint(h)
	}
	return all
}

// TestDenialWritesNothing compares all that the server has before and after
// denials, views and refused top-ups.
func TestDenialWritesNothing(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 100)
	g := mustReserve(t, s, p, "u", output(90))
	before := snapshot(t)
	changes := func() (n int64) {
		reply, err := shared.Do("INFO", "persistence")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(reply.(string), "\r\n") {
			_, _ = fmt.Sscanf(line, "rdb_changes_since_last_save:%d", &n)
		}
		return n
	}
	writes := changes()

	for i := range 5 {
		clock.Advance(7 * time.Second)
		var d limit.Decision
		if err := s.Reserve(t.Context(), p, "u", output(20), &limit.Grant{}, &d); err != nil || d.Admitted {
			t.Fatalf("Reserve: %v, %+v, want denied", err, d)
		}
		if got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 20 + 100*int64(i)}, limit.WithinLimits); err != nil || got.Granted {
			t.Fatalf("TopUp: %+v, %v, want refused", got, err)
		}
		mustStand(t, s, p, "u", standing{0, 90, 1})
		mustStand(t, s, p, "stranger", standing{0, 0, 1})
	}
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("what the server has (-before +after):\n%s", diff)
	}
	if got := changes() - writes; got != 0 {
		t.Errorf("the server counts %d writes", got)
	}
}

// TestHazard: a server that drops keys when it is full is a hazard, and its policy is named.
func TestHazard(t *testing.T) {
	server := redistest.Start(t)
	s := join(t, server, Options{Timeout: patient})
	for policy, want := range map[string]string{"noeviction": "", "allkeys-lru": "allkeys-lru", "volatile-ttl": "volatile-ttl"} {
		if _, err := server.Do("CONFIG", "SET", "maxmemory-policy", policy); err != nil {
			t.Fatal(err)
		}
		got, err := s.Hazard(t.Context())
		if err != nil || (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("of %s: %q, %v", policy, got, err)
		}
	}
}
