package registry

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestDays: a day begins at midnight of UTC, also before 1970, and is read as it was written.
func TestDays(t *testing.T) {
	for _, tt := range []struct{ at, day string }{
		{"2026-11-30T23:59:59Z", "2026-11-30"}, {"2026-12-01T00:00:00Z", "2026-12-01"},
		{"2026-12-01T08:59:59+09:00", "2026-11-30"}, {"1970-01-01T00:00:00Z", "1970-01-01"},
		{"1969-12-31T23:59:59Z", "1969-12-31"}, {"1969-12-31T00:00:00Z", "1969-12-31"}, {"2024-02-29T12:00:00Z", "2024-02-29"},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		day, err := ParseDay(tt.day)
		if got := DayOf(at); err != nil || got != day || got.String() != tt.day {
			t.Errorf("%s is of %v; want %v, %v", tt.at, got, day, err)
		}
	}
	for _, text := range []string{"", "2026-11-31", "2026-1-1", "30.11.2026", "2026-11-30T00:00:00Z", "today"} {
		if _, err := ParseDay(text); err == nil || !strings.Contains(err.Error(), "2026-11-30") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// reports are those that a store has got.
type reports struct {
	Store
	mu   sync.Mutex
	got  []ExpenseReport
	away bool
}

// list returns those that have come.
func (r *reports) list() []ExpenseReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *reports) Spend(_ context.Context, report ExpenseReport) error {
	if r.away {
		return errors.New("away")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, report)
	return nil
}

// TestSpendingIsBounded: what is not reported for long takes bounded memory, and what is missing
// is told once. What was there goes on being counted.
func TestSpendingIsBounded(t *testing.T) {
	var s Spending
	first := NewID(time.Now())
	for i := range unreportedMax + 7 {
		e := Expense{Day: Day(i), Key: first, Model: "llama", Requests: 1, Input: 2, Output: 3}
		s.Add(e)
		e.Day = 0
		s.Add(e) // known
	}
	store := &reports{away: true}
	if lost, err := s.Report(t.Context(), store, "gateway"); err == nil || lost != 7 {
		t.Errorf("%d are lost, %v", lost, err)
	}
	store.away = false
	if lost, err := s.Report(t.Context(), store, "gateway"); err != nil || lost != 0 {
		t.Errorf("%d are lost, %v", lost, err)
	}
	var sum Expense
	for i, r := range store.got {
		if r.Replica != "gateway" || r.Number != int64(i+1) || len(r.Expenses) > reportMax {
			t.Fatalf("report %d of %q has %d expenses", r.Number, r.Replica, len(r.Expenses))
		}
		for _, e := range r.Expenses {
			sum.Requests, sum.Input, sum.Output = sum.Requests+e.Requests, sum.Input+e.Input, sum.Output+e.Output
		}
	}
	const all = 2*unreportedMax + 7
	if want := (Expense{Requests: all, Input: 2 * all, Output: 3 * all}); sum != want {
		t.Errorf("the sum is %+v, want %+v", sum, want)
	}
}

// TestTellsSpending: once a minute and at the end, unless the store is away then.
func TestTellsSpending(t *testing.T) {
	for _, away := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := &reports{}
			f := NewFollower(store, slog.New(slog.DiscardHandler))
			var s Spending
			spend := func() {
				s.Add(Expense{Key: NewID(time.Now()), Model: "llama", Requests: 1})
				s.Add(Expense{Key: "operator", Model: "llama", Requests: 1}) // of the file
				s.Add(Expense{Key: NewID(time.Now()), Model: "llama"})       // nothing
			}
			ctx, stop := context.WithCancel(t.Context())
			go f.TellSpending(ctx, &s, "gateway")
			spend()
			time.Sleep(59 * time.Second)
			synctest.Wait()
			if len(store.list()) != 0 {
				t.Error("reported too early")
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if len(store.list()) != 1 || len(store.list()[0].Expenses) != 1 {
				t.Errorf("after a minute %+v is reported", store.list())
			}
			spend()
			if !away {
				f.heard.Store(int64(time.Since(f.begun)))
			}
			stop()
			synctest.Wait()
			if reported := len(store.list()) == 2; reported == away {
				t.Errorf("away %v: at the end %+v is reported", away, store.list())
			}
		})
	}
}
