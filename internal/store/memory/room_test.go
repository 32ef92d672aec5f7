package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// TestIdleAccountsOfOneModelMakeRoomForUsersOfAnother fills the store with users of
// one model. When nothing of them counts any more, as many users of another model
// get accounts of their own, and no more.
func TestIdleAccountsOfOneModelMakeRoomForUsersOfAnother(t *testing.T) {
	const most = 50
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: most})
	one, other := perMinute(t, "one"), perMinute(t, "other")
	for i := range most {
		spend(t, s, one, fmt.Sprint("early", i), 100)
	}
	if spend(t, s, other, "late", 100); s.model("other").users["late"] != nil {
		t.Fatal("a live account was forgotten")
	}
	clock.Set(61 * time.Second)
	for i := range most + 10 {
		spend(t, s, other, fmt.Sprint("late", i), 100)
	}
	if a, b := len(s.model("one").users), len(s.model("other").users); a != 0 || b != most || s.Accounts() != most {
		t.Errorf("%d accounts of idle users are kept, and %d of %d users who came have their own", a, b, most)
	}
}

func perMinute(t testing.TB, model string) *limit.Policy {
	t.Helper()
	p, err := limit.NewPolicy(limit.PolicyOptions{
		Model: model, MaxConcurrent: limit.Unlimited, MaxConcurrentPerUser: limit.Unlimited,
		User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 2000}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// town is a store with models of several kinds, and what its accounts are to hold by
// another way of counting, which knows charges and no rings.
type town struct {
	*Store
	clock    *limittest.Clock
	most     int
	policies []*limit.Policy
	resident map[resident]*history // who is to have an account of his own
	open     []*visit
}

type resident struct {
	model int
	user  string
}

// history is the charges of an account.
type history struct {
	charges []*charge
	running int
}

type charge struct {
	at     limit.Instant
	amount limit.Amount
}

type visit struct {
	limit.Grant
	model  int
	charge *charge
}

func newTown(t *testing.T, random *rand.Rand) *town {
	kinds := [][]limit.Limit{
		{{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 40}},
		{{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 40}, {Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}},
		{{Meter: limit.Requests, Window: limit.Minute, Max: 1 << 40}, {Meter: limit.OutputTokens, Window: limit.Hour, Max: 1 << 40}},
		{{Meter: limit.Tokens, Window: limit.Hour, Max: 150}, {Meter: limit.Requests, Window: limit.Hour, Max: 3}},
		nil, // only running requests are limited: what is used is only told
	}
	w := &town{clock: limittest.NewClock(), most: 1 + random.IntN(12), resident: map[resident]*history{}}
	w.Store = New(Options{Now: w.clock.Now, MaxAccounts: w.most})
	for i := range 1 + random.IntN(4) {
		p, err := limit.NewPolicy(limit.PolicyOptions{
			Model: fmt.Sprint("model", i), User: kinds[random.IntN(len(kinds))], MaxConcurrent: 2 + random.Int64N(20), MaxConcurrentPerUser: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.policies = append(w.policies, p)
	}
	return w
}

// idle reports whether nothing of the account of r counts any more.
func (w *town) idle(r resident) bool {
	h := w.resident[r]
	for _, rule := range w.policies[r.model].Counted() {
		width := limit.Instant(rule.Window.SlotWidth() / time.Millisecond)
		for _, c := range h.charges {
			leaves := (c.at/width + limit.Instant(rule.Window.Slots()) + 1) * width
			if c.amount.Of(rule.Meter) != 0 && w.clock.Now() < leaves {
				return false
			}
		}
	}
	return h.running == 0
}

// spare reports whether the account of r only tells what was used, and nothing runs.
func (w *town) spare(r resident) bool {
	return w.policies[r.model].OnlyCounts() && w.resident[r].running == 0
}

// any reports whether there is a resident of which is says so.
func (w *town) any(is func(resident) bool) bool {
	for r := range w.resident {
		if is(r) {
			return true
		}
	}
	return false
}

func (w *town) has(r resident) bool { return w.model(w.policies[r.model].Model()).users[r.user] != nil }

// come lets a user send a request.
func (w *town) come(t *testing.T, r resident, need limit.Amount) {
	known := w.has(r)
	idle := len(w.resident) < w.most || w.any(w.idle)
	room := known || idle || w.any(w.spare)
	v := &visit{model: r.model}
	var d limit.Decision
	if err := w.Reserve(t.Context(), w.policies[r.model], r.user, need, &v.Grant, &d); err != nil {
		t.Fatal(err)
	}
	w.checkWhoWent(t, !idle)
	if !d.Admitted {
		return
	}
	if own := v.User == r.user; own != room {
		t.Fatalf("%+v has an account of its own: %v, want %v", r, own, room)
	}
	v.charge = &charge{w.clock.Now(), need}
	if h := w.historyOf(v, true); h != nil {
		h.charges = append(h.charges, v.charge)
		h.running++
	}
	w.open = append(w.open, v)
}

// historyOf returns the history of who has sent v; nil where that is the overflow
// account's.
func (w *town) historyOf(v *visit, made bool) *history {
	r := resident{v.model, v.User}
	if v.User == "" {
		return nil
	}
	if w.resident[r] == nil && made {
		w.resident[r] = &history{}
	}
	return w.resident[r]
}

// checkWhoWent fails where an account has been forgotten of which something counts, but
// for those that are spare where nobody is idle.
func (w *town) checkWhoWent(t *testing.T, pressed bool) {
	for r := range w.resident {
		if w.has(r) {
			continue
		}
		if !w.idle(r) && !(pressed && w.spare(r)) {
			t.Fatalf("the account of %+v was forgotten while it counts", r)
		}
		delete(w.resident, r)
	}
}

// checkStands fails where an account of which nothing runs stands at another moment
// than that at which nothing of it counts any more: it would be looked at in vain, or
// late.
func (w *town) checkStands(t *testing.T) {
	for r := range w.resident {
		e := w.model(w.policies[r.model].Model()).users[r.user]
		if e.running > 0 {
			continue
		}
		at := e.account.Empties()
		if e.in == nil || e.at != at && max(e.at, at) > w.clock.Now() {
			t.Fatalf("the account of %+v is empty at %d, and stands at %d", r, at, e.at)
		}
	}
	for _, m := range *w.models.Load() {
		for k := range m.accounts {
			c := &m.accounts[k]
			if len(c.moments) != len(c.at)+1 || !slices.IsSorted(c.moments) || len(c.at) > len(m.users) {
				t.Fatalf("%d accounts stand at the moments %v, of which there are %d", len(m.users), c.moments, len(c.at))
			}
		}
	}
}

// end ends a request, which has used what is said.
func (w *town) end(i int, used limit.Amount) {
	v := w.open[i]
	w.open = append(w.open[:i], w.open[i+1:]...)
	w.Settle(&v.Grant, used)
	h := w.historyOf(v, false)
	if h == nil {
		return
	}
	h.running--
	extra := used.Minus(v.charge.amount)
	v.charge.amount = limit.Amount{Input: min(used.Input, v.charge.amount.Input), Output: min(used.Output, v.charge.amount.Output), Requests: min(used.Requests, v.charge.amount.Requests)}
	h.charges = append(h.charges, &charge{w.clock.Now(), limit.Amount{Output: max(0, extra.Output), Requests: max(0, extra.Requests)}})
}

// TestWhoIsIdleMakesRoom plays random histories of users on models with windows of all
// lengths: no account that counts is ever forgotten, and one that does not always
// makes room for a user who comes, whichever model either is of.
func TestWhoIsIdleMakesRoom(t *testing.T) {
	pauses := []time.Duration{0, 0, 0, time.Millisecond, 700 * time.Millisecond, 20 * time.Second, 61 * time.Second, 20 * time.Minute, 61 * time.Minute, 25 * time.Hour}
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 9))
		w := newTown(t, random)
		for range 300 {
			w.clock.Advance(pauses[random.IntN(len(pauses))])
			w.checkStands(t)
			if n := len(w.open); n > 0 && random.IntN(2) == 0 {
				w.end(random.IntN(n), limit.Amount{Output: int64(random.IntN(3) * 20), Requests: int64(random.IntN(2))})
				continue
			}
			r := resident{random.IntN(len(w.policies)), fmt.Sprint("user", random.IntN(3*w.most))}
			w.come(t, r, limit.Amount{Output: int64(random.IntN(3) * 20), Requests: 1})
			if w.Accounts() != len(w.resident) || w.Accounts() > w.most {
				t.Fatalf("seed %d: %d accounts are counted, there are %d, and may be %d", seed, w.Accounts(), len(w.resident), w.most)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestIdleAtTheirMoments: nothing counts any more of an account whose moment has come,
// whatever the clock has done since it was put there.
func TestIdleAtTheirMoments(t *testing.T) {
	pauses := []time.Duration{0, 700 * time.Millisecond, 20 * time.Second, 61 * time.Second, 20 * time.Minute, -900 * time.Millisecond, -3 * time.Second, -2 * time.Hour}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 10))
		w := newTown(t, random)
		for range 200 {
			w.clock.Advance(pauses[random.IntN(len(pauses))])
			if n := len(w.open); n > 0 && random.IntN(2) == 0 {
				w.Settle(&w.open[0].Grant, limit.Amount{Output: int64(random.IntN(3) * 20)})
				w.open = w.open[1:]
			}
			v := &visit{}
			var d limit.Decision
			if err := w.Reserve(t.Context(), w.policies[random.IntN(len(w.policies))], fmt.Sprint("user", random.IntN(w.most)), limit.Amount{Output: 20, Requests: 1}, &v.Grant, &d); err != nil {
				t.Fatal(err)
			}
			if d.Admitted {
				w.open = append(w.open, v)
			}
			w.checkMoments(t, seed)
		}
	}
}

// checkMoments fails where an account whose moment has come is not idle.
func (w *town) checkMoments(t *testing.T, seed uint64) {
	for _, m := range *w.models.Load() {
		for _, e := range m.users {
			if e.in == nil || e.running > 0 || e.at > w.clock.Now() {
				continue
			}
			if e.account.Advance(w.clock.Now()); !e.account.Idle() {
				t.Fatalf("seed %d: the account of %s counts at %d, and stands at %d", seed, e.name, w.clock.Now(), e.at)
			}
		}
	}
}

// TestRoomUnderContention lets users of several models push each other out at the same
// time: every account is counted once, and none is lost.
func TestRoomUnderContention(t *testing.T) {
	const most, models, rounds = 8, 4, 3000
	s := New(Options{MaxAccounts: most})
	var group sync.WaitGroup
	for i := range models {
		p := perMinute(t, fmt.Sprint("model", i))
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 0))
			var g limit.Grant
			var d limit.Decision
			for range rounds {
				g.Reset()
				user := fmt.Sprint("user", random.IntN(5*most))
				if err := s.Reserve(t.Context(), p, user, limit.Amount{Output: 1}, &g, &d); err != nil || !d.Admitted {
					t.Errorf("%v, %+v", err, d)
					return
				}
				if g.User != user { // at most 4 accounts are in use, all others are idle
					t.Errorf("%s shares an account, although others are idle", user)
					return
				}
				s.Settle(&g, limit.Amount{})
				if n := s.Accounts(); n > most {
					t.Errorf("there are %d accounts", n)
				}
			}
		})
	}
	group.Wait()
	kept := 0
	for _, m := range *s.models.Load() {
		kept += len(m.users)
	}
	if kept != s.Accounts() || kept > most {
		t.Errorf("%d accounts are counted, %d are kept, and %d may be", s.Accounts(), kept, most)
	}
}
