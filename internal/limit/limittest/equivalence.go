package limittest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testEquivalence runs random histories on the store and on the reference,
// and compares every answer.
func testEquivalence(t *testing.T, open Open) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := newHistory(t, open, seed)
			for range 800 {
				h.step()
			}
		})
	}
}

// history is a random run of operations.
type history struct {
	t     *testing.T
	rand  *rand.Rand
	store limit.Store
	clock *Clock
	ref   *reference
	open  []*running
	next  int
}

// running is a grant that is not settled.
type running struct {
	id   int
	user string
	limit.Grant
}

func newHistory(t *testing.T, open Open, seed uint64) *history {
	s, clock := start(t, open)
	r := rand.New(rand.NewPCG(seed, 1))
	o := limit.PolicyOptions{
		User: []limit.Limit{
			{Meter: limit.Tokens, Window: limit.Minute, Max: 1000},
			{Meter: limit.Tokens, Window: limit.Hour, Max: 20_000},
			{Meter: limit.Tokens, Window: limit.Day, Max: 100_000},
			{Meter: limit.OutputTokens, Window: limit.Minute, Max: 700},
			{Meter: limit.Requests, Window: limit.Minute, Max: 30},
		},
		Total:         []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 2000}},
		MaxConcurrent: 12, MaxConcurrentPerUser: 5, MaxDebt: 0.5,
	}
	if seed%2 == 1 {
		o.Overrun = limit.Stop
	}
	return &history{t: t, rand: r, store: s, clock: clock, ref: newReference(Policy(t, o))}
}

func (h *history) step() {
	switch h.rand.IntN(10) {
	case 0:
		h.clock.Advance(time.Duration(h.rand.IntN(3000)) * ms)
	case 1:
		if h.rand.IntN(20) == 0 {
			h.clock.Advance(time.Duration(h.rand.IntN(3600)) * sec)
		}
		h.clock.Advance(time.Duration(h.rand.IntN(15)) * sec)
	case 2, 3:
		h.topUp()
	case 4, 5:
		h.settle()
	case 6:
		h.look()
	default:
		h.reserve()
	}
}

func (h *history) reserve() {
	user := string(rune('a' + h.rand.IntN(3)))
	need := limit.Amount{Input: h.rand.Int64N(150), Output: h.rand.Int64N(200), Requests: 1}
	now := h.clock.Now()
	want := h.ref.admits(user, need, now)
	g := &running{id: h.next, user: user}
	h.next++
	var d limit.Decision
	if err := h.store.Reserve(h.t.Context(), h.ref.policy, user, need, &g.Grant, &d); err != nil {
		h.t.Fatalf("Reserve: %v", err)
	}
	if d.Admitted != want {
		h.t.Fatalf("%v: reserving %v for %s: admitted is %v, want %v (%+v)", now, need, user, d.Admitted, want, d)
	}
	if !want {
		h.compareWait(user, need, &d)
		return
	}
	h.ref.charge(g.id, user, need, now)
	h.ref.run(user, 1)
	h.open = append(h.open, g)
}

// compareWait checks that the longest wait is the exact one.
func (h *history) compareWait(user string, need limit.Amount, d *limit.Decision) {
	if len(d.Violations) == 0 {
		return
	}
	now := h.clock.Now()
	want := time.Duration(h.ref.wait(user, need, now)) * ms
	if got := d.Violations[0].Wait; got != want {
		h.t.Fatalf("%v: the wait is %v, want %v", now, got, want)
	}
}

func (h *history) pick() *running {
	if len(h.open) == 0 {
		return nil
	}
	return h.open[h.rand.IntN(len(h.open))]
}

func (h *history) topUp() {
	g := h.pick()
	if g == nil {
		return
	}
	now := h.clock.Now()
	more := limit.Amount{Output: h.rand.Int64N(120)}
	bound := limit.Bound(h.rand.IntN(2))
	before := g.Granted()
	granted, debt := h.ref.topUp(g.user, more, now, bound)
	got, err := h.store.TopUp(h.t.Context(), &g.Grant, more, bound)
	if err != nil {
		h.t.Fatalf("TopUp: %v", err)
	}
	if got.Granted != granted || got.Debt != debt {
		h.t.Fatalf("%v: top-up of %v for %s is %+v, want %v with debt %d", now, more, g.user, got, granted, debt)
	}
	if granted {
		if noted := g.Granted().Minus(before); noted != more {
			h.t.Fatalf("%v: the grant notes %+v more, want %v", now, noted, more)
		}
		h.ref.charge(g.id, g.user, more, now)
	}
}

func (h *history) settle() {
	g := h.pick()
	if g == nil {
		return
	}
	for i := range h.open {
		if h.open[i] == g {
			h.open = append(h.open[:i], h.open[i+1:]...)
			break
		}
	}
	used := limit.Amount{Input: h.rand.Int64N(150), Output: h.rand.Int64N(250), Requests: h.rand.Int64N(2)}
	h.ref.settle(g.id, g.user, used.Minus(g.Granted()), h.clock.Now())
	h.ref.run(g.user, -1)
	h.store.Settle(&g.Grant, used)
	Flush(h.t, h.store)
}

// look compares the sums of a user under every rule.
func (h *history) look() {
	user := string(rune('a' + h.rand.IntN(3)))
	got := viewed(h.t, h.store, h.ref.policy, user)
	for i, rule := range h.ref.policy.Rules() {
		want := h.ref.sum(rule, user, h.clock.Now())
		if got.sums[i] != want {
			h.t.Fatalf("%v: the sum of %s %s per %s of %s is %d, want %d",
				h.clock.Now(), rule.Scope, rule.Meter, rule.Window, user, got.sums[i], want)
		}
	}
	if got.full[0].Running != h.ref.running[""] || got.full[1].Running != h.ref.running["u "+user] {
		h.t.Fatalf("running is %v, want %d and %d", got.full, h.ref.running[""], h.ref.running["u "+user])
	}
}
