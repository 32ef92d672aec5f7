package limittest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testEquivalence runs a random history on the store and on the reference,
// and compares every answer.
func (f *fixture) testEquivalence(seed uint64) {
	o := users(
		tokens(limit.Minute, 1000), tokens(limit.Hour, 20_000), tokens(limit.Day, 100_000),
		limit.Limit{Meter: limit.OutputTokens, Window: limit.Minute, Max: 700},
		limit.Limit{Meter: limit.Requests, Window: limit.Minute, Max: 30},
	)
	o.Total = []limit.Limit{tokens(limit.Minute, 2000)}
	o.MaxConcurrent, o.MaxConcurrentPerUser, o.MaxDebt = 12, 5, 0.5
	o.Overrun = limit.Overrun(seed % 2) // #nosec G115 -- 0 or 1
	h := &history{fixture: f, rand: rand.New(rand.NewPCG(seed, 1)), ref: newReference(Policy(f, o))}
	for range 800 {
		h.step()
	}
}

// history is a random run of operations.
type history struct {
	*fixture
	rand *rand.Rand
	ref  *reference
	open []*running
	next int
	// resets is how often accounts are reset, beside ten other steps.
	resets int
}

// running is a grant that is not settled.
type running struct {
	id   int
	user string
	*limit.Grant
}

func (h *history) step() {
	switch n := h.rand.IntN(10 + h.resets); {
	case n >= 10:
		h.reset()
	case n == 0:
		h.clock.Advance(time.Duration(h.rand.IntN(3000)) * ms)
	case n == 1:
		if h.rand.IntN(20) == 0 {
			h.clock.Advance(time.Duration(h.rand.IntN(3600)) * sec)
		}
		h.clock.Advance(time.Duration(h.rand.IntN(15)) * sec)
	case n == 6:
		h.look()
	case n > 6:
		h.reserve()
	case len(h.open) == 0:
	case n < 4:
		h.topUp(h.open[h.rand.IntN(len(h.open))])
	default:
		h.settle(h.rand.IntN(len(h.open)))
	}
}

func (h *history) user() string { return string(rune('a' + h.rand.IntN(3))) }

func (h *history) reserve() {
	user := h.user()
	need := limit.Amount{Input: h.rand.Int64N(150), Output: h.rand.Int64N(200), Requests: 1}
	now := h.clock.Now()
	want := h.ref.admits(user, need, now)
	g, d := h.fixture.reserve(h.ref.policy, user, need)
	if d.Admitted != want {
		h.Fatalf("%v: reserving %v for %s: admitted is %v, want %v (%+v)",
			now, need, user, d.Admitted, want, d)
	}
	if want {
		h.ref.charge(h.next, user, need, now)
		h.ref.run(user, 1)
		h.open = append(h.open, &running{h.next, user, g})
		h.next++
		return
	}
	if len(d.Violations) == 0 {
		return
	}
	wait := time.Duration(h.ref.wait(user, need, now)) * ms
	if got := d.Violations[0].Wait; got != wait {
		h.Fatalf("%v: the wait is %v, want %v", now, got, wait)
	}
}

func (h *history) topUp(g *running) {
	now := h.clock.Now()
	more := limit.Amount{Output: h.rand.Int64N(120)}
	bound := limit.Bound(h.rand.IntN(2))
	before := g.Granted()
	want := h.ref.topUp(g.user, more, now, bound)
	if got := h.fixture.topUp(g.Grant, more, bound); got != want {
		h.Fatalf("%v: top-up of %v for %s is %+v, want %+v", now, more, g.user, got, want)
	}
	if !want.Granted {
		more = limit.Amount{}
	}
	if noted := g.Granted().Minus(before); noted != more {
		h.Fatalf("%v: the grant notes %+v more, want %v", now, noted, more)
	}
	h.ref.charge(g.id, g.user, more, now)
}

func (h *history) settle(i int) {
	g := h.open[i]
	h.open = slices.Delete(h.open, i, i+1)
	used := limit.Amount{
		Input: h.rand.Int64N(150), Output: h.rand.Int64N(250), Requests: h.rand.Int64N(2),
	}
	h.ref.settle(g.id, g.user, used.Minus(g.Granted()), h.clock.Now())
	h.ref.run(g.user, -1)
	h.fixture.settle(g.Grant, used)
}

// look compares the sums of a user under every rule.
func (h *history) look() {
	user, now := h.user(), h.clock.Now()
	got := viewed(h.view(h.ref.policy, user))
	for i, rule := range h.ref.policy.Rules() {
		if sum, want := got.sums[i], h.ref.sum(rule, user, now); sum != want {
			h.Fatalf("%v: the sum of %s of %s is %d, want %d", now, rule.Name(), user, sum, want)
		}
	}
	model, own := h.ref.running[""], h.ref.running["u "+user]
	if got.full[0].Running != model || got.full[1].Running != own {
		h.Fatalf("running is %v, want %d and %d", got.full, model, own)
	}
}
