package database

import (
	order "cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// losing is a store whose answers are lost, of reports that were added and of those that were not.
type losing struct {
	store registry.Expenses
	turn  int
}

func (l *losing) Spend(ctx context.Context, r registry.ExpenseReport) error {
	switch l.turn++; l.turn % 3 {
	case 0:
		return errors.New("lost before")
	case 1:
		_ = l.store.Spend(ctx, r)
		return errors.New("lost after")
	}
	return l.store.Spend(ctx, r)
}

func (l *losing) Expenses(ctx context.Context, q registry.ExpenseQuery) (registry.ExpensePage, error) {
	return l.store.Expenses(ctx, q)
}

// expenses returns all that a query chooses, a few at a time.
func expenses(t *testing.T, d *Database, q registry.ExpenseQuery) (all []registry.KeyExpense) {
	t.Helper()
	for q.Limit = 3; ; {
		p, err := d.Expenses(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.List) > q.Limit {
			t.Fatalf("a page of %d has %d", q.Limit, len(p.List))
		}
		all = append(all, p.List...)
		if q.After = p.Next; p.Next == nil {
			return all
		}
	}
}

// TestExpenses: what keys spend at several gateways is added up once, however often reports are
// sent, and is found again by each question, in its order.
func TestExpenses(t *testing.T) {
	eachEngine(t, func(t *testing.T, open func(func() time.Time) *Database) {
		d := open(nil)
		today := registry.DayOf(time.Now())
		var keys []registry.Key
		for _, user := range []string{"alice", "bob", "김민수"} {
			k, _ := create(t, d, user)
			keys = append(keys, k)
		}
		before, err := d.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[registry.ExpenseMark]registry.KeyExpense{} // by key, model and day
		random := rand.New(rand.NewPCG(1, 2))
		var reporting sync.WaitGroup
		for i := range 3 {
			s := &registry.Spending{}
			for range 100 {
				k := keys[random.IntN(len(keys))]
				e := registry.Expense{
					Day: today - registry.Day(random.IntN(3)), Key: k.ID, Model: []string{"llama", "라마", "a/b"}[random.IntN(3)],
					Requests: 1, Input: random.Int64N(100), Output: random.Int64N(3),
				}
				s.Add(e)
				mark := registry.ExpenseMark{Key: e.Key, Model: e.Model, Day: e.Day}
				sum := want[mark]
				sum.Day, sum.Key, sum.Model, sum.Name, sum.User = e.Day, e.Key, e.Model, k.Name, k.User
				sum.Requests, sum.Input, sum.Output = sum.Requests+1, sum.Input+e.Input, sum.Output+e.Output
				want[mark] = sum
			}
			s.Add(registry.Expense{Day: today, Key: "operator", Model: "llama", Requests: 1})              // of a file
			s.Add(registry.Expense{Day: today, Key: registry.NewID(time.Now()), Model: "llama", Input: 1}) // gone
			gateway, replica := open(nil), fmt.Sprint("gateway-", i)
			reporting.Go(func() { reportAll(t, s, &losing{store: gateway}, replica) })
		}
		reporting.Wait()
		all := slices.SortedFunc(maps.Values(want), byKey)
		if got := expenses(t, d, registry.ExpenseQuery{To: today, Daily: true, Order: registry.ByKey}); !cmp.Equal(all, got) {
			t.Error(cmp.Diff(all, got))
		}
		checkExpenses(t, d, all, today, keys[1])
		if after, err := d.Revision(t.Context()); err != nil || after != before {
			t.Errorf("the revision is %v, %v", after, err)
		}
		if err := d.Spend(t.Context(), registry.ExpenseReport{Replica: "old", Number: 1, Expenses: []registry.Expense{
			{Day: today - registry.ExpenseDays - 1, Key: keys[0].ID, Model: "llama", Input: 1},
		}}); err != nil {
			t.Fatal(err)
		}
		if got := expenses(t, d, registry.ExpenseQuery{To: today - 100, Order: registry.ByKey}); got != nil {
			t.Errorf("what is older than is kept is %v", got)
		}
	})
}

// reportAll reports all of s, again where an answer is lost.
func reportAll(t *testing.T, s *registry.Spending, x registry.Expenses, replica string) {
	for range 99 {
		if lost, err := s.Report(t.Context(), x, replica); err == nil {
			if lost != 0 {
				t.Errorf("%d requests are lost", lost)
			}
			return
		}
	}
	t.Error("the reports do not end")
}

// checkExpenses asks for parts of all in every order, and compares.
func checkExpenses(t *testing.T, d *Database, all []registry.KeyExpense, today registry.Day, k registry.Key) {
	t.Helper()
	for _, order := range registry.ExpenseOrders {
		for _, daily := range []bool{false, true} {
			for _, q := range []registry.ExpenseQuery{
				{To: today}, {From: today - 1, To: today - 1}, {To: today, Key: k.ID}, {To: today, User: "김민수"},
				{From: today - 1, To: today, Model: "라마"}, {To: today, User: "nobody"},
			} {
				q.Order, q.Daily = order, daily
				if want, got := choose(all, q), expenses(t, d, q); !cmp.Equal(want, got) {
					t.Errorf("%+v: %s", q, cmp.Diff(want, got))
				}
			}
		}
	}
}

// choose returns what a question chooses of all, as simply as can be.
func choose(all []registry.KeyExpense, q registry.ExpenseQuery) (list []registry.KeyExpense) {
	for _, e := range all {
		if e.Day < q.From || e.Day > q.To || q.Key != "" && e.Key != q.Key || q.User != "" && e.User != q.User || q.Model != "" && e.Model != q.Model {
			continue
		}
		if !q.Daily {
			e.Day = 0
		}
		i := slices.IndexFunc(list, func(x registry.KeyExpense) bool { return x.Key == e.Key && x.Model == e.Model && x.Day == e.Day })
		if i < 0 {
			list = append(list, e)
			continue
		}
		list[i].Requests += e.Requests
		list[i].Input += e.Input
		list[i].Output += e.Output
	}
	slices.SortFunc(list, func(a, b registry.KeyExpense) int {
		return order.Or(order.Compare(q.Order.RankOf(&b.Expense), q.Order.RankOf(&a.Expense)), byKey(a, b))
	})
	return list
}

// byKey is the order of keys, models and days.
func byKey(a, b registry.KeyExpense) int {
	return order.Or(order.Compare(a.Key, b.Key), order.Compare(a.Model, b.Model), order.Compare(a.Day, b.Day))
}
