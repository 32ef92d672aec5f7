package memory

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

func TestConformance(t *testing.T) {
	limittest.Run(t, func(_ *testing.T, now func() limit.Instant) limit.Store {
		return New(Options{Now: now})
	})
}

var perUser = limit.PolicyOptions{
	User: []limit.Limit{
		{Meter: limit.Tokens, Window: limit.Minute, Max: 2000},
		{Meter: limit.Tokens, Window: limit.Hour, Max: 20_000},
		{Meter: limit.Tokens, Window: limit.Day, Max: 200_000},
	},
	MaxConcurrent: 1_000_000,
}

// spend reserves and settles n tokens of user, and reports whether they were
// admitted.
func spend(t testing.TB, s *Store, p *limit.Policy, user string, n int64) bool {
	t.Helper()
	var g limit.Grant
	var d limit.Decision
	need := limit.Amount{Output: n, Requests: 1}
	if err := s.Reserve(t.Context(), p, user, need, &g, &d); err != nil {
		t.Fatal(err)
	}
	s.Settle(&g, need)
	return d.Admitted
}

func TestUsersBeyondTheMaximumShareOneAccount(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 10})
	p := limittest.Policy(t, perUser)
	for i := range 10 {
		if s.Full() {
			t.Errorf("it is full with %d accounts", i)
		}
		spend(t, s, p, fmt.Sprint("early", i), 1)
	}
	if !spend(t, s, p, "late1", 1500) || spend(t, s, p, "late2", 1500) {
		t.Error("late1 and late2 do not share the limits of one user")
	}
	if !spend(t, s, p, "early3", 1500) {
		t.Error("an account that was there before is not its user's own any more")
	}
	if s.Accounts() != 10 || !s.Full() {
		t.Errorf("there are %d accounts, full: %v; want 10, true", s.Accounts(), s.Full())
	}
}

func TestOnlyIdleAccountsAreForgotten(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 2})
	p := limittest.Policy(t, perUser)
	spend(t, s, p, "a", 2000)
	clock.Set(time.Hour)
	spend(t, s, p, "b", 2000)

	clock.Set(24*time.Hour + 29*time.Minute)
	if spend(t, s, p, "c", 1) && s.users("c") {
		t.Error("the live account of a was forgotten for c")
	}
	clock.Set(24*time.Hour + 31*time.Minute)
	spend(t, s, p, "d", 1)
	if !s.users("d") || s.users("a") || !s.users("b") {
		t.Error("d did not take the place of a, which has nothing left that counts")
	}
}

// TestLooksAndDenialsForgetNobody: only who is admitted takes the place of another.
func TestLooksAndDenialsForgetNobody(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 1})
	p := limittest.Policy(t, limit.PolicyOptions{Total: []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 100}}})
	spend(t, s, p, "a", 10)
	used := func(user string) int64 {
		v, err := s.View(t.Context(), p, user)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range v.Windows {
			if w.Rule.Scope == limit.UserScope && w.Rule.Meter == limit.Tokens {
				return w.Used
			}
		}
		return -1
	}
	if used("nobody") != 0 || used("a") != 10 || !s.users("a") {
		t.Errorf("after a look at nobody, a has used %d", used("a"))
	}
	if spend(t, s, p, "b", 95) || used("a") != 10 || s.users("b") {
		t.Errorf("after a denial of b, a has used %d", used("a"))
	}
	if !spend(t, s, p, "b", 5) || s.users("a") || !s.users("b") {
		t.Error("b, who is admitted, did not take the place of a, whom nothing limits")
	}
}

// The account that makes room is the one that was longest unused, not the oldest.
func TestTheLongestUnusedAccountIsForgotten(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 2})
	p := limittest.Policy(t, perUser)
	spend(t, s, p, "a", 1)
	spend(t, s, p, "b", 1)
	clock.Set(time.Hour)
	spend(t, s, p, "a", 1)
	clock.Set(24*time.Hour + 31*time.Minute)
	spend(t, s, p, "c", 1)
	if !s.users("a") || s.users("b") || !s.users("c") {
		t.Errorf("a: %v, b: %v, c: %v; want c in the place of b", s.users("a"), s.users("b"), s.users("c"))
	}
}

func TestARunningRequestKeepsItsAccount(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 1})
	p := limittest.Policy(t, perUser)
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "a", limit.Amount{Output: 5, Requests: 1}, &g, &d); err != nil {
		t.Fatal(err)
	}
	clock.Set(48 * time.Hour)
	spend(t, s, p, "b", 1)
	if !s.users("a") {
		t.Error("the account of a was forgotten while its request runs")
	}
	s.Settle(&g, limit.Amount{Output: 5, Requests: 1})
	spend(t, s, p, "b", 1)
	if s.users("a") || !s.users("b") {
		t.Error("the account of a was not forgotten after its request had ended")
	}
}

// TestARunningRequestKeepsNoOtherAccount has a long request at the head of the
// accounts, and idle ones behind it: these make room, and it stays.
func TestARunningRequestKeepsNoOtherAccount(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now, MaxAccounts: 3})
	p := limittest.Policy(t, perUser)
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "long", limit.Amount{Output: 5, Requests: 1}, &g, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	spend(t, s, p, "idle1", 1)
	spend(t, s, p, "idle2", 1)
	clock.Set(48 * time.Hour)
	for _, user := range []string{"new1", "new2"} {
		spend(t, s, p, user, 1)
		if !s.users(user) || !s.users("long") {
			t.Errorf("%s has its own account: %v, the long request: %v; want both", user, s.users(user), s.users("long"))
		}
	}
	s.Settle(&g, limit.Amount{Output: 5, Requests: 1})
}

// TestAnAccountThatOnlyCountsByNow: where a limit of users is taken away, who has used
// something under it makes room as others do whom nothing limits.
func TestAnAccountThatOnlyCountsByNow(t *testing.T) {
	s := New(Options{Now: limittest.NewClock().Now, MaxAccounts: 1})
	limiting, counting := limittest.Policy(t, perUser), limittest.Policy(t, limit.PolicyOptions{MaxConcurrent: 9})
	spend(t, s, limiting, "a", 1)
	spend(t, s, limiting, "b", 1)
	if s.users("b") {
		t.Error("the account of a was forgotten while it limits")
	}
	spend(t, s, counting, "a", 1)
	spend(t, s, counting, "b", 1)
	if !s.users("b") {
		t.Error("b did not take the place of a, which only tells what was used")
	}
}

// TestClockGoesOn: the clock shows the time that it was started with, and what has passed.
func TestClockGoesOn(t *testing.T) {
	const ago = 10 * time.Minute
	if off := clock(time.Now().Add(-ago))().Sub(limit.InstantOf(time.Now())); off.Abs() > ago/2 {
		t.Errorf("after %v it is off by %v", ago, off)
	}
}

// TestALookTakesNoPlace: who only asks where he stands gets no account, and takes nobody's
// place.
func TestALookTakesNoPlace(t *testing.T) {
	s := New(Options{MaxAccounts: 2})
	p := limittest.Policy(t, perUser)
	for i := range 3 {
		if _, err := s.View(t.Context(), p, fmt.Sprint("onlooker", i)); err != nil || s.Accounts() != 0 {
			t.Fatalf("%v: there are %d accounts, want none", err, s.Accounts())
		}
	}
}

// users reports whether user has an account of its own.
func (s *Store) users(user string) bool {
	return s.model("llama2-7b").users[user] != nil
}

// TestMemoryIsBounded compares the memory at the cap with that after a hundred
// thousand further names.
func TestMemoryIsBounded(t *testing.T) {
	s := New(Options{MaxAccounts: 5000})
	p := limittest.Policy(t, perUser)
	for i := range 5000 {
		spend(t, s, p, fmt.Sprint("user", i), 1)
	}
	atCap := heap()
	for i := range 100_000 {
		spend(t, s, p, fmt.Sprint("stranger", i), 0)
	}
	if after := heap(); after > atCap+atCap/20 {
		t.Errorf("the heap grew from %d to %d bytes", atCap, after)
	}
	runtime.KeepAlive(s)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkReserveSettle(b *testing.B) {
	s := New(Options{})
	p := limittest.Policy(b, limit.PolicyOptions{
		User: []limit.Limit{
			{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 50},
			{Meter: limit.Tokens, Window: limit.Hour, Max: 1 << 50},
			{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 50},
		},
		MaxConcurrent: 1000,
	})
	users := make([]string, 1000)
	for i := range users {
		users[i] = fmt.Sprint("user", i)
	}
	var g limit.Grant
	var d limit.Decision
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := s.Reserve(b.Context(), p, users[i%len(users)], limit.Amount{Input: 100, Output: 200, Requests: 1}, &g, &d); err != nil {
			b.Fatal(err)
		}
		s.Settle(&g, limit.Amount{Input: 100, Output: 150, Requests: 1})
	}
}

func BenchmarkNewAccount(b *testing.B) {
	s := New(Options{})
	p := limittest.Policy(b, perUser)
	before := heap()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		spend(b, s, p, fmt.Sprintf("user-%08d", i), 100)
	}
	b.ReportMetric(float64(heap()-before)/float64(s.Accounts()), "B/account")
	runtime.KeepAlive(s)
}
