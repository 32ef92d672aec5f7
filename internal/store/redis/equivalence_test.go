package redis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// twins is the same history on a store in memory and on one in Redis, under
// policies that take turns, as if the configuration were reloaded again and
// again.
type twins struct {
	t        *testing.T
	rand     *rand.Rand
	clock    *limittest.Clock
	memory   limit.Store
	redis    limit.Store
	policies []*limit.Policy
	open     []*twin
}

// twin is one grant on both stores.
type twin struct{ memory, redis limit.Grant }

// TestLikeMemory checks that every answer is the same as that of the store in
// memory.
func TestLikeMemory(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			clock := limittest.NewClock()
			w := &twins{
				t: t, rand: rand.New(rand.NewPCG(seed, 2)), clock: clock,
				memory:   memory.New(memory.Options{Now: clock.Now}),
				redis:    open(t, Options{Now: clock.Now, Timeout: patient}),
				policies: changingPolicies(t),
			}
			w.meet()
			for range 1500 {
				w.step()
			}
			if got := w.redis.(*Store).Stats(); got.Missing != 0 || got.Lost != 0 {
				t.Errorf("%d could not be given back, and %d charges were lost; want none", got.Missing, got.Lost)
			}
		})
	}
}

// meet charges something to every user at the start. The store in memory forgets idle
// accounts when a new user comes, and with them which rings of earlier policies they
// had; nobody is new later.
func (w *twins) meet() {
	w.t.Helper()
	for _, user := range users {
		g := &twin{}
		var m, r limit.Decision
		need := limit.Amount{Input: 1, Requests: 1}
		p := w.policies[0]
		w.check(w.memory.Reserve(w.t.Context(), p, user, need, &g.memory, &m), w.redis.Reserve(w.t.Context(), p, user, need, &g.redis, &r))
		w.memory.Settle(&g.memory, need)
		w.redis.Settle(&g.redis, need)
	}
	w.check(w.redis.Flush(w.t.Context()))
}

// users are those of the twins.
var users = []string{"a", "b", "c"}

// changingPolicies limits the same model in different ways.
func changingPolicies(t *testing.T) []*limit.Policy {
	tokens := func(w limit.Window, n int64) limit.Limit {
		return limit.Limit{Meter: limit.Tokens, Window: w, Max: n}
	}
	return []*limit.Policy{
		limittest.Policy(t, limit.PolicyOptions{
			User: []limit.Limit{tokens(limit.Minute, 900), tokens(limit.Hour, 30_000)}, MaxDebt: 1,
		}),
		limittest.Policy(t, limit.PolicyOptions{
			User:  []limit.Limit{tokens(limit.Minute, 1200), {Meter: limit.OutputTokens, Window: limit.Hour, Max: 20_000}},
			Total: []limit.Limit{tokens(limit.Minute, 1500), tokens(limit.Day, 1<<45)}, MaxConcurrent: 9, MaxConcurrentPerUser: 4,
		}),
		limittest.Policy(t, limit.PolicyOptions{
			User:    []limit.Limit{{Meter: limit.Requests, Window: limit.Minute, Max: 12}},
			Overrun: limit.Stop, MaxConcurrent: 12,
		}),
		limittest.Policy(t, limit.PolicyOptions{Total: []limit.Limit{tokens(limit.Hour, 50_000)}, MaxConcurrent: 10}),
	}
}

func (w *twins) step() {
	switch w.rand.IntN(12) {
	case 0:
		w.clock.Advance(time.Duration(w.rand.IntN(90)) * time.Second)
	case 1:
		w.clock.Advance(time.Duration(w.rand.IntN(2000)) * time.Millisecond)
	case 2:
		if w.rand.IntN(15) == 0 {
			w.clock.Advance(time.Duration(w.rand.IntN(30)) * time.Hour)
		}
	case 3, 4:
		w.topUp()
	case 5, 6, 7:
		w.settle()
	case 8:
		w.view()
	default:
		w.reserve()
	}
}

func (w *twins) policy() *limit.Policy { return w.policies[w.rand.IntN(len(w.policies))] }

func (w *twins) user() string { return users[w.rand.IntN(len(users))] }

func (w *twins) same(what string, inMemory, inRedis any) {
	w.t.Helper()
	if diff := cmp.Diff(inMemory, inRedis); diff != "" {
		w.t.Fatalf("at %v: %s (-memory +redis):\n%s", w.clock.Now()-limittest.Epoch, what, diff)
	}
}

func (w *twins) check(errs ...error) {
	w.t.Helper()
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *twins) reserve() {
	p, user, g := w.policy(), w.user(), &twin{}
	need := limit.Amount{Input: w.rand.Int64N(200), Output: w.rand.Int64N(300), Requests: 1}
	m, r := limit.Decision{Violations: []limit.Violation{}, Full: []limit.Gauge{}}, limit.Decision{Violations: []limit.Violation{}, Full: []limit.Gauge{}}
	w.check(w.memory.Reserve(w.t.Context(), p, user, need, &g.memory, &m), w.redis.Reserve(w.t.Context(), p, user, need, &g.redis, &r))
	w.same("the decision", m, r)
	if m.Admitted {
		w.open = append(w.open, g)
	}
}

func (w *twins) topUp() {
	if len(w.open) == 0 {
		return
	}
	g := w.open[w.rand.IntN(len(w.open))]
	more, b := limit.Amount{Output: w.rand.Int64N(200)}, limit.Bound(w.rand.IntN(2))
	m, errM := w.memory.TopUp(w.t.Context(), &g.memory, more, b)
	r, errR := w.redis.TopUp(w.t.Context(), &g.redis, more, b)
	w.check(errM, errR)
	w.same("the top-up", m, r)
}

func (w *twins) settle() {
	if len(w.open) == 0 {
		return
	}
	i := w.rand.IntN(len(w.open))
	g := w.open[i]
	w.open = append(w.open[:i], w.open[i+1:]...)
	used := limit.Amount{Input: w.rand.Int64N(200), Output: w.rand.Int64N(500), Requests: w.rand.Int64N(2)}
	w.memory.Settle(&g.memory, used)
	w.redis.Settle(&g.redis, used)
	w.check(w.redis.Flush(w.t.Context()))
}

func (w *twins) view() {
	p, user := w.policy(), w.user()
	m, errM := w.memory.View(w.t.Context(), p, user)
	r, errR := w.redis.View(w.t.Context(), p, user)
	w.check(errM, errR)
	w.same("the view", known(m), known(r))
}

// known leaves of a view what both stores can know: how many requests of
// a user are running is counted only where something limits users, and what is
// held of an account begins with the limit that made it.
func known(v limit.View) limit.View {
	for i := range v.Windows {
		w := &v.Windows[i]
		w.Used, w.Reserved = w.Used+w.Reserved, 0
	}
	v.Gauges = slices.DeleteFunc(v.Gauges, func(g limit.Gauge) bool { return g.Max == limit.Unlimited })
	return v
}
