package memory

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

func nobody(string) bool { return false }

// TestForget: what a model that nobody serves has charged stays as long as it
// counts, and goes then.
func TestForget(t *testing.T) {
	clock := limittest.NewClock()
	s := New(Options{Now: clock.Now})
	options := perUser
	options.Total = []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 40}}
	p := limittest.Policy(t, options)
	spend(t, s, p, "a", 100)
	clock.Set(time.Hour)
	spend(t, s, p, "b", 100)
	var g limit.Grant
	var d limit.Decision
	for _, step := range []struct {
		at       time.Duration
		do       func()
		served   bool
		accounts int
		kept     bool // the model
	}{
		{at: 2 * time.Hour, accounts: 2, kept: true},
		{at: 24*time.Hour + 31*time.Minute, served: true, accounts: 2, kept: true},
		{at: 24*time.Hour + 31*time.Minute, accounts: 1, kept: true},
		{at: 25*time.Hour + 31*time.Minute, accounts: 0, kept: false},
		{at: 25*time.Hour + 32*time.Minute, accounts: 1, kept: true, do: func() {
			if err := s.Reserve(t.Context(), p, "c", limit.Amount{Output: 5, Requests: 1}, &g, &d); err != nil || !d.Admitted {
				t.Fatal(err, d)
			}
		}},
		{at: 99 * time.Hour, accounts: 1, kept: true}, // its request is running
		{at: 99 * time.Hour, accounts: 0, kept: false, do: func() { s.Settle(&g, limit.Amount{Output: 5, Requests: 1}) }},
	} {
		clock.Set(step.at)
		if step.do != nil {
			step.do()
		}
		s.Forget(func(name string) bool { return step.served && name == p.Model() })
		_, kept := (*s.models.Load())[p.Model()]
		if s.Accounts() != step.accounts || kept != step.kept {
			t.Errorf("at %v there are %d accounts, want %d; the model is kept: %v, want %v", step.at, s.Accounts(), step.accounts, kept, step.kept)
		}
	}
}

// TestForgetKeepsWhatIsNobodysOwn: a model is kept as long as anything counts in its account
// over all users, or in that of users who have none of their own.
func TestForgetKeepsWhatIsNobodysOwn(t *testing.T) {
	minute := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 2000}}
	for name, tt := range map[string]struct {
		total []limit.Limit
		users []string
	}{
		"over all users": {[]limit.Limit{{Meter: limit.Tokens, Window: limit.Hour, Max: 2000}}, []string{"a"}},
		"shared":         {nil, []string{"a", "b"}},
	} {
		clock := limittest.NewClock()
		s := New(Options{Now: clock.Now, MaxAccounts: 1})
		p := limittest.Policy(t, limit.PolicyOptions{User: minute, Total: tt.total})
		for _, user := range tt.users {
			spend(t, s, p, user, 100)
			clock.Advance(30 * time.Second)
		}
		for _, step := range []struct {
			at     time.Duration
			models int
		}{{62 * time.Second, 1}, {2 * time.Hour, 0}} {
			clock.Set(step.at)
			if s.Forget(nobody); s.Accounts() != 0 || len(*s.models.Load()) != step.models {
				t.Errorf("%s: at %v there are %d accounts and %d models, want 0 and %d", name, step.at, s.Accounts(), len(*s.models.Load()), step.models)
			}
		}
	}
}

// TestForgetLosesNothing: a model that returns while it is being forgotten is
// charged for everything.
func TestForgetLosesNothing(t *testing.T) {
	const callers, requests = 4, 250
	for _, used := range []int64{0, 1} { // with nothing used, accounts are idle in between
		s := New(Options{})
		p := limittest.Policy(t, perUser)
		done := make(chan struct{})
		var forgetting, calling sync.WaitGroup
		for range 2 {
			forgetting.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						s.Forget(nobody)
					}
				}
			})
		}
		for i := range callers {
			calling.Go(func() {
				var g limit.Grant
				var d limit.Decision
				for range requests {
					g.Reset()
					if err := s.Reserve(t.Context(), p, fmt.Sprint("user", i%2), limit.Amount{Output: 1}, &g, &d); err != nil || !d.Admitted {
						t.Errorf("%v, %+v", err, d)
						return
					}
					if v, err := s.View(t.Context(), p, g.User); err != nil || v.Windows[0].Reserved < 1 {
						t.Errorf("%v: a running request is not in the account that others see: %+v", err, v)
					}
					s.Settle(&g, limit.Amount{Output: used})
				}
			})
		}
		calling.Wait()
		close(done)
		forgetting.Wait()
		for i := range 2 {
			v, err := s.View(t.Context(), p, fmt.Sprint("user", i))
			if want := used * callers / 2 * requests; err != nil || v.Windows[0].Used != want || v.Windows[0].Reserved != 0 {
				t.Errorf("%v: %d are used and %d reserved, want %d", err, v.Windows[0].Used, v.Windows[0].Reserved, want)
			}
		}
	}
}

// TestChargeWaitsForForget: who has found a model and waits for its lock while it
// is forgotten charges the one that takes its place.
func TestChargeWaitsForForget(t *testing.T) {
	p := limittest.Policy(t, perUser)
	for range 200 {
		s := New(Options{})
		m := s.lock(p.Model())
		done := make(chan error)
		users := []string{"a", "b"} // of whom none keeps the other waiting
		for _, user := range users {
			go func() {
				var g limit.Grant
				var d limit.Decision
				done <- s.Reserve(context.Background(), p, user, limit.Amount{Output: 1}, &g, &d)
			}()
		}
		runtime.Gosched() // lets them come to the lock, as a rule
		s.mu.Lock()
		m.gone = true
		s.change(func(models map[string]*model) { delete(models, p.Model()) })
		s.mu.Unlock()
		m.mu.Unlock()
		for range users {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for _, user := range users {
			if v, err := s.View(t.Context(), p, user); err != nil || v.Windows[0].Reserved != 1 {
				t.Fatalf("%v: the charge went with the model: %+v", err, v.Windows[0])
			}
		}
	}
}
