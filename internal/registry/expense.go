package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Day is a day of UTC, by its number since 1970.
type Day int64

const secondsPerDay = 24 * 60 * 60

// DayOf returns the day of a moment.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	day := seconds / secondsPerDay
	if seconds%secondsPerDay < 0 {
		day--
	}
	return Day(day)
}

// ParseDay reads what String has written.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no day: write it as 2026-11-30", Redact(text))
	}
	return DayOf(t), nil
}

// String returns the day as people write it, such as 2026-11-30.
func (d Day) String() string {
	return time.Unix(int64(d)*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

// ExpenseDays is for how many days expenses are kept.
const ExpenseDays = 400

// Expense is what a key has spent of a model on a day. The zero Day stands for all days that
// were asked for.
type Expense struct {
	Day        Day
	Key, Model string // the id of the key
	Requests   int64
	Input      int64 // tokens
	Output     int64
}

// Tokens returns input + output tokens.
func (e *Expense) Tokens() int64 { return e.Input + e.Output }

// ExpenseReport is what keys have spent since the report before, at one replica. One that is sent
// again, for its answer was lost, has the same number and the same expenses.
type ExpenseReport struct {
	Replica  string
	Number   int64 // from 1
	Expenses []Expense
}

// compareExpenses is the order in which replicas write: none waits for another in a circle.
func compareExpenses(a, b Expense) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Model, b.Model))
}

// Expenses keeps what keys have spent. It never touches the revision. It is safe for concurrent
// use.
type Expenses interface {
	// Spend adds a report to what is kept, unless it was added before, and drops what is older
	// than ExpenseDays.
	Spend(ctx context.Context, r ExpenseReport) error
	// Expenses returns what keys that are there have spent.
	Expenses(ctx context.Context, q ExpenseQuery) (ExpensePage, error)
}

// ExpenseQuery chooses expenses. Of those that are chosen, what a key has spent of a model is
// added up.
type ExpenseQuery struct {
	From, To Day    // both count
	Key      string // an id; "": of all
	User     string // "": of all
	Tenant   string // as people know it; "": of all
	Model    string // "": all
	Daily    bool   // tell days apart
	// Order is by what expenses are sorted, the most first; those that are equal, and all where it
	// is ByKey, are in the order of keys, models and days.
	Order ExpenseOrder
	After *ExpenseMark // only what comes after; nil: from the first
	Limit int          // at the most; > 0
}

// ExpenseOrder is by what expenses are sorted.
type ExpenseOrder string

// The orders.
const (
	ByKey      ExpenseOrder = "key"
	ByTokens   ExpenseOrder = "tokens"
	ByInput    ExpenseOrder = "input_tokens"
	ByOutput   ExpenseOrder = "output_tokens"
	ByRequests ExpenseOrder = "requests"
)

// ExpenseOrders are all of them.
var ExpenseOrders = []ExpenseOrder{ByTokens, ByInput, ByOutput, ByRequests, ByKey}

// RankOf returns the number of e that counts in the order.
func (o ExpenseOrder) RankOf(e *Expense) int64 {
	switch o {
	case ByTokens:
		return e.Tokens()
	case ByInput:
		return e.Input
	case ByOutput:
		return e.Output
	case ByRequests:
		return e.Requests
	}
	return 0
}

// ExpenseMark is a place in a list of expenses.
type ExpenseMark struct {
	Rank       int64
	Key, Model string
	Day        Day
}

// ExpensePage is some expenses, with the name and the user of their keys.
type ExpensePage struct {
	List []KeyExpense
	Next *ExpenseMark // after which more begin; nil: there are none
}

// KeyExpense is an expense, and whose it is.
type KeyExpense struct {
	Expense
	Name, User string // of the key
	Tenant     string // of the user; "": the default one
}

const (
	// spendInterval is how often a gateway reports what keys have spent.
	spendInterval = time.Minute
	spendTimeout  = 10 * time.Second
	// reportMax is how many expenses a report has: none holds up others for long.
	reportMax = 200
	// unreportedMax bounds the expenses that are not reported yet, each of some 200 bytes.
	unreportedMax = 100_000
)

// Spending adds up what keys spend until it is reported. The zero value is ready. It is safe for
// concurrent use.
type Spending struct {
	mu         sync.Mutex
	unreported map[expenseKey]amounts
	lost       int64 // requests that were not counted since it was told

	reporting sync.Mutex    // held while report is sent
	report    ExpenseReport // the last one; its expenses are those that are to be sent again
}

type expenseKey struct {
	day        Day
	key, model string
}

type amounts struct{ requests, input, output int64 }

// Add counts a request of a credential. What is no key of a registry, by the form of its id,
// is not counted, nor is what cost nothing.
func (s *Spending) Add(e Expense) {
	if !IsID(e.Key) || e.Requests|e.Input|e.Output == 0 {
		return
	}
	k := expenseKey{e.Day, e.Key, e.Model}
	s.mu.Lock()
	defer s.mu.Unlock()
	sum, known := s.unreported[k]
	if !known && len(s.unreported) >= unreportedMax {
		s.lost++
		return
	}
	if s.unreported == nil {
		s.unreported = map[expenseKey]amounts{}
	}
	s.unreported[k] = amounts{sum.requests + e.Requests, sum.input + e.Input, sum.output + e.Output}
}

// take returns up to n of the expenses, which are not there any more, and how many requests were
// lost.
func (s *Spending) take(n int) (list []Expense, lost int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, sum := range s.unreported {
		if len(list) == n {
			break
		}
		list = append(list, Expense{k.day, k.key, k.model, sum.requests, sum.input, sum.output})
		delete(s.unreported, k)
	}
	lost, s.lost = s.lost, 0
	return list, lost
}

// Report sends x all that was not reported yet, as a replica. What fails is sent again by the
// next call. It returns how many requests could not be counted since the call before.
func (s *Spending) Report(ctx context.Context, x Expenses, replica string) (lost int64, err error) {
	s.reporting.Lock()
	defer s.reporting.Unlock()
	for err == nil {
		if s.report.Expenses == nil {
			more, refused := s.take(reportMax)
			lost += refused
			if len(more) == 0 {
				return lost, nil
			}
			slices.SortFunc(more, compareExpenses)
			s.report = ExpenseReport{replica, s.report.Number + 1, more}
		}
		if err = x.Spend(ctx, s.report); err == nil {
			s.report.Expenses = nil
		}
	}
	return lost, err
}

// TellSpending reports what s has to the store, as a replica, once a minute until ctx ends, and
// once more then: an end does not wait for a store that is away, and what was not reported by
// then is not counted.
func (f *Follower) TellSpending(ctx context.Context, s *Spending, replica string) {
	tick := time.NewTicker(spendInterval)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		if ended && !f.Fresh() {
			return
		}
		reporting, cancel := context.WithTimeout(context.WithoutCancel(ctx), spendTimeout)
		lost, err := s.Report(reporting, f.store, replica) // what fails is sent again
		cancel()
		if err != nil && f.Fresh() { // else the log says that the database is away
			f.log.Warn("what keys have spent cannot be reported", "error", err)
		}
		if lost > 0 {
			f.log.Warn("requests are missing in what keys have spent: the control database was "+
				"away for so long that no more could be kept", "requests", lost)
		}
	}
}
