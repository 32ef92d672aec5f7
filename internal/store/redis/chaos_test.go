package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestReplicasCompete lets two replicas compete for one account and for the
// running slots of a model: together they admit exactly what fits, and never
// run more than may.
func TestReplicasCompete(t *testing.T) {
	const callers, cost, fits, slots = 40, 10, 150, 7
	clock := limittest.NewClock()
	a := open(t, Options{Now: clock.Now, Timeout: patient})
	b := join(t, shared, Options{Now: clock.Now, Timeout: patient})
	p := limittest.Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: cost*fits + cost - 1}},
		MaxConcurrent: slots,
	})
	var wg sync.WaitGroup
	var admitted, running, most atomic.Int64
	for i := range callers {
		s := []*Store{a, b}[i%2]
		wg.Go(func() {
			for {
				var g limit.Grant
				var d limit.Decision
				if err := s.Reserve(t.Context(), p, "u", output(cost), &g, &d); err != nil {
					t.Errorf("Reserve: %v", err)
					return
				}
				if len(d.Violations) > 0 {
					return
				}
				if d.Admitted {
					admitted.Add(1)
					now := running.Add(1)
					for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
					}
					running.Add(-1)
					s.Settle(&g, output(cost))
				}
				mustFlush(t, s)
			}
		})
	}
	wg.Wait()
	if got := admitted.Load(); got != fits {
		t.Errorf("%d were admitted, and %d fit", got, fits)
	}
	if got := most.Load(); got > slots {
		t.Errorf("%d ran at once, and %d may", got, slots)
	}
	mustStand(t, b, p, "u", standing{cost * fits, 0, 0})
}

// TestCutConnections cuts every connection, and stops the server for longer
// than calls wait, again and again under load. In the end the books hold what
// was used, exactly: every lost reply was a charge that was undone, or never
// made.
func TestCutConnections(t *testing.T) {
	server := redistest.Start(t)
	const users, callers = 5, 16
	p := limittest.Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}, {Meter: limit.Requests, Window: limit.Day, Max: 1 << 40}},
		Total:         []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
		MaxConcurrent: 1000, MaxConcurrentPerUser: 1000,
	})
	stores := []*Store{join(t, server, Options{Timeout: 40 * time.Millisecond}), join(t, server, Options{Timeout: 40 * time.Millisecond})}
	ctx, cancel := context.WithCancel(t.Context())
	var used [users]atomic.Int64
	var failed atomic.Int64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			for ctx.Err() == nil {
				n, err := chaoticRequest(t, stores[i%2], p, i%users, r)
				if err != nil {
					failed.Add(1)
					time.Sleep(time.Millisecond)
				}
				used[i%users].Add(n)
			}
		})
	}
	for range 12 {
		time.Sleep(60 * time.Millisecond)
		_, _ = server.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		time.Sleep(30 * time.Millisecond)
		server.Pause()
		time.Sleep(60 * time.Millisecond)
		server.Resume()
	}
	cancel()
	wg.Wait()
	for _, s := range stores {
		mustFlush(t, s)
	}
	checkBooks(t, join(t, server, Options{Timeout: patient}), p, &used) // who waits for a busy machine
	st := stores[0].Stats()
	t.Logf("%d calls failed; %+v", failed.Load(), st)
	if failed.Load() == 0 || st.Cancelled == 0 || st.Repeated == 0 {
		t.Error("nothing went wrong, so nothing was tested")
	}
	if st.Lost != 0 || st.Missing != 0 {
		t.Errorf("lost %d, missing %d", st.Lost, st.Missing)
	}
}

// TestOlderStatesUnderLoad puts older states of everything back again and again under
// load, as failovers to a replica that lags behind do. What windows have then is as old;
// but nothing runs in the end, nothing is held, and no record is left.
func TestOlderStatesUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	const callers, users = 8, 5
	p := limittest.Policy(t, limit.PolicyOptions{
		User:          []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
		MaxConcurrent: 1000, MaxConcurrentPerUser: 1000,
	})
	o := Options{Timeout: time.Second, heartbeat: 20 * time.Millisecond}
	stores := []*Store{join(t, server, o), join(t, server, o)}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 5))
			for ctx.Err() == nil {
				_, _ = chaoticRequest(t, stores[i%2], p, i%users, r) // what it used is lost in part
			}
		})
	}
	for range 12 {
		time.Sleep(30 * time.Millisecond)
		state, err := server.Do("EVAL", saveAll, "0")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
		load := []string{"EVAL", loadAll, "0"}
		for _, part := range state.([]any) {
			load = append(load, part.(string))
		}
		command(t, server, load...)
	}
	cancel()
	wg.Wait()
	for _, s := range stores {
		mustFlush(t, s)
	}
	for u := range users {
		eventually(t, "nothing runs, and nothing is held", func() bool {
			v, err := stores[0].View(t.Context(), p, fmt.Sprint("u", u))
			return err == nil && v.Windows[0].Reserved == 0 && v.Gauges[0].Running == 0 && v.Gauges[1].Running == 0
		})
	}
	for _, s := range stores {
		eventually(t, "no record", func() bool { return len(records(t, server, s.options.replica)) == 0 })
	}
	if st := stores[0].Stats(); st.Restored == 0 || st.Lost == 0 {
		t.Errorf("nothing was lost, so nothing was tested: %+v", st)
	}
}

// Scripts that return the state of all accounts, and put one back in place of what is
// there.
const (
	saveAll = `local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do all[#all + 1], all[#all + 2] = key, redis.call('DUMP', key) end
return all`
	loadAll = `redis.call('FLUSHALL')
for i = 1, #ARGV, 2 do redis.call('RESTORE', ARGV[i], 0, ARGV[i + 1]) end`
)

// chaoticRequest runs one request, with top-ups, and returns the tokens used.
func chaoticRequest(t *testing.T, s *Store, p *limit.Policy, user int, r *rand.Rand) (int64, error) {
	var g limit.Grant
	var d limit.Decision
	ctx := context.WithoutCancel(t.Context())
	if err := s.Reserve(ctx, p, fmt.Sprint("u", user), output(10), &g, &d); err != nil {
		return 0, err
	}
	var failure error
	for range r.IntN(3) {
		if _, err := s.TopUp(ctx, &g, limit.Amount{Output: 5}, limit.WithinDebt); err != nil {
			failure = err
		}
	}
	n := r.Int64N(40)
	s.Settle(&g, output(n))
	return n, failure
}

// checkBooks compares every account with what was used.
func checkBooks(t *testing.T, s *Store, p *limit.Policy, used *[5]atomic.Int64) {
	t.Helper()
	var total int64
	for u := range used {
		total += used[u].Load()
	}
	for u := range used {
		v, err := s.View(t.Context(), p, fmt.Sprint("u", u))
		if err != nil {
			t.Fatal(err)
		}
		tokens, model := v.Windows[0], v.Windows[2]
		if tokens.Used != used[u].Load() || tokens.Reserved != 0 || v.Gauges[0].Running != 0 || v.Gauges[1].Running != 0 {
			t.Errorf("u%d: used %d, held %d, running %+v; want %d, 0, 0", u, tokens.Used, tokens.Reserved, v.Gauges, used[u].Load())
		}
		if model.Used != total || model.Reserved != 0 {
			t.Errorf("the model: used %d, held %d; want %d, 0", model.Used, model.Reserved, total)
		}
	}
}
