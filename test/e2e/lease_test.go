package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestStandstillOfRedisGivesNoSlotAway stops Redis for longer than leases last while ten
// of ten requests run on one gateway, and lets it go on: none more runs on the other one.
// Then Redis loses all that it has: what runs is counted again, and the log says so.
func TestStandstillOfRedisGivesNoSlotAway(t *testing.T) {
	t.Parallel()
	const slots = 10
	_, server := newModelServer(t)
	s := site{server: server, redis: redistest.Start(t), wait: "500ms", models: map[string]string{
		model: fmt.Sprintf("{max-tokens-per-hour: 10000000, max-concurrent-requests: %d, default-output-tokens: 1000}", slots),
	}}
	first, second := s.serve(t), s.serve(t)
	for range slots {
		first.listen(t, chat{user: "alice", tokens: 900, pace: 200}).await(t, 1)
	}
	probe := chat{user: "bob", tokens: 2}
	served := func(within time.Duration) (n, denied int) {
		for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			switch a := second.send(t.Context(), probe); a.status {
			case http.StatusOK:
				n++
			case http.StatusTooManyRequests:
				denied++
			}
		}
		return n, denied
	}
	if n, denied := served(100 * time.Millisecond); n != 0 || denied == 0 {
		t.Fatalf("with every slot taken %d are served, %d denied", n, denied)
	}
	s.redis.Pause()
	time.Sleep(lease + 2*time.Second)
	s.redis.Resume()
	eventually(t, healWithin*2, "a decision of the second gateway", func() bool {
		a := second.send(t.Context(), probe)
		if a.status == http.StatusOK {
			t.Fatal("one more than the limit is served at once")
		}
		return a.status == http.StatusTooManyRequests
	})
	n, denied := served(2 * time.Second)
	t.Logf("after a standstill of %v: %d served beyond the limit, %d denied", lease+2*time.Second, n, denied)
	if n != 0 {
		t.Errorf("%d were served beside %d of %d", n, slots, slots)
	}

	if err := s.redis.FlushAll(); err != nil {
		t.Fatal(err)
	}
	first.stderr.await(t, "Redis had lost what this gateway is running")
	eventually(t, patience, "a full model", func() bool { return second.send(t.Context(), probe).status == http.StatusTooManyRequests })
	if n, _ := served(500 * time.Millisecond); n != 0 {
		t.Errorf("%d were served after what Redis had lost was restored", n)
	}
	if _, text := first.get("/actuator/prometheus"); !strings.Contains(text, fmt.Sprintf("\nrate_limit_store_restored_requests_total %d\n", slots)) {
		t.Error("the metric does not count the restored requests")
	}
}

// TestLongStreamInDebtIsCheap runs a stream of thousands of tokens into debt, on a limit
// that has room for a hundredth of it: what Redis keeps of it does not grow with its
// length, it is charged exactly, and a client of another model is served throughout.
func TestLongStreamInDebtIsCheap(t *testing.T) {
	t.Parallel()
	const tokens, other = 6000, "other"
	server := startModelServer(t, model, other)
	s := site{server: server.url, redis: redistest.Start(t), models: map[string]string{
		model: "{max-tokens-per-minute: 100, max-tokens-per-hour: 100, max-debt: 100}",
		other: "{max-tokens-per-minute: 1000000}",
	}}
	g := s.serve(t)
	for _, args := range [][]string{{"CONFIG", "SET", "slowlog-log-slower-than", "0"}, {"CONFIG", "SET", "slowlog-max-len", "100000"}} {
		if _, err := s.redis.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	long := g.listen(t, chat{user: "alice", tokens: tokens, maxTokens: tokens, pace: 1})
	records, honest := 0, 0
	for running := true; running; {
		select {
		case <-long.ended:
			running = false
		case <-time.After(50 * time.Millisecond):
			h, err := s.redis.Hash("token:concurrent:{" + model + "}")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for field := range h {
				if strings.HasPrefix(field, "g:") {
					n++
				}
			}
			records = max(records, n)
			if a := g.send(t.Context(), chat{user: "bob", model: other, tokens: 1}); a.status != http.StatusOK {
				t.Errorf("the honest client gets %d %s", a.status, a.body)
			}
			honest++
		}
	}
	if long.err != nil || long.events.Load() < tokens {
		t.Fatalf("the stream had %d tokens and ended with %v", long.events.Load(), long.err)
	}
	eventually(t, patience, "the end of the request", func() bool { return g.usage(t, model, "alice").running() == 0 })
	used, _ := g.usage(t, model, "alice").longest()
	scripts := 0
	reply, err := s.redis.Do("SLOWLOG", "GET", "-1")
	if err != nil {
		t.Fatal(err)
	}
	longest := time.Duration(0)
	for _, e := range reply.([]any) {
		entry := e.([]any)
		if name := entry[3].([]any)[0]; name == "EVALSHA" || name == "EVAL" {
			scripts++
			longest = max(longest, time.Duration(entry[2].(int64))*time.Microsecond)
		}
	}
	t.Logf("%d tokens, %d charged: at most %d records; of %d scripts the longest took %v; %d honest requests", tokens, used, records, scripts, longest, honest)
	if records == 0 || records > 3 {
		t.Errorf("Redis kept %d records of one stream, want 1", records)
	}
	if used < tokens || used > tokens+100 {
		t.Errorf("%d are charged for %d tokens and their prompt", used, tokens)
	}
}

// TestHeartbeatsOfManyModels serves 500 models from a Redis that is 25 ms away: the
// leases of all are renewed together, although none was asked for yet.
func TestHeartbeatsOfManyModels(t *testing.T) {
	t.Parallel()
	const models = 500
	redis := redistest.Start(t)
	s := site{server: "http://127.0.0.1:1", redis: redis, link: redis.NewLink(t, 25*time.Millisecond/2), models: map[string]string{}}
	for i := range models {
		s.models[fmt.Sprint("m", i)] = "{max-tokens-per-minute: 1000}"
	}
	s.serve(t)
	ends := func() (first, last int64, n int) {
		for i := range models {
			h, err := redis.Hash(fmt.Sprintf("token:concurrent:{m%d}", i))
			if err != nil {
				t.Fatal(err)
			}
			for field, state := range h {
				if !strings.HasPrefix(field, "r:") {
					continue
				}
				at, _ := strconv.ParseInt(strings.Fields(state)[0], 10, 64)
				if n++; n == 1 {
					first, last = at, at
				}
				first, last = min(first, at), max(last, at)
			}
		}
		return first, last, n
	}
	eventually(t, patience, "a lease on every model", func() bool { _, _, n := ends(); return n == models })
	_, before, _ := ends()
	eventually(t, patience, "the next heartbeat", func() bool { first, _, _ := ends(); return first > before })
	first, last, _ := ends()
	spread := time.Duration(last-first) * time.Millisecond
	t.Logf("%d leases were renewed within %v", models, spread)
	if spread > lease/2 { // one after another they take 12.5 s
		t.Errorf("%d leases were renewed within %v", models, spread)
	}
}
