package registrar

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// Expense is what a key has spent of a model, as the registrar shows it.
type Expense struct {
	Key      string `json:"key"` // the id
	Name     string `json:"name"`
	Tenant   string `json:"tenant"`
	User     string `json:"user"`
	Model    string `json:"model"`
	Day      string `json:"day,omitzero"` // of UTC; "": all that were asked for
	Requests int64  `json:"requests"`
	Tokens   int64  `json:"tokens"`
	Input    int64  `json:"input_tokens"`
	Output   int64  `json:"output_tokens"`
}

func newExpense(e *registry.KeyExpense) Expense {
	shown := Expense{
		Key: e.Key, Name: e.Name, Tenant: identity.TenantOutside(e.Tenant), User: e.User,
		Model: e.Model, Requests: e.Requests, Tokens: e.Tokens(), Input: e.Input,
		Output: e.Output,
	}
	if e.Day != 0 {
		shown.Day = e.Day.String()
	}
	return shown
}

// usualDays is for how many days, with today, expenses are told where no other ones are asked for.
const usualDays = 30

// expenseParameters are those that choose expenses.
var expenseParameters = []string{
	"from", "to", "key", "tenant", "user", "model", "daily", "sort", "format", "limit", "after",
}

// listExpenses lists what keys have spent, or writes all of it as a table.
func (h *Handler) listExpenses(c *call) (*answer, error) {
	q, err := h.expenseQuery(c)
	if err != nil {
		return nil, err
	}
	if wanted, err := c.wantsTable(); err != nil {
		return nil, err
	} else if wanted {
		return h.tableOfExpenses(c, q)
	}
	p, err := h.expenses(c, q)
	if err != nil {
		return nil, err
	}
	data := make([]Expense, len(p.List))
	for i := range p.List {
		data[i] = newExpense(&p.List[i])
	}
	return newList(data, writeMark(p.Next)), nil
}

// expenses returns a page.
func (h *Handler) expenses(c *call, q registry.ExpenseQuery) (registry.ExpensePage, error) {
	some := false
	if q.Tenant, some = c.within(q.Tenant, identity.UsageRead); !some || h.Store == nil {
		return registry.ExpensePage{}, nil
	}
	select {
	case h.sums <- struct{}{}:
	case <-c.Context().Done():
		return registry.ExpensePage{}, c.Context().Err()
	}
	defer func() { <-h.sums }()
	return h.Store.Expenses(c.Context(), q)
}

// expenseQuery reads which expenses are asked for.
func (h *Handler) expenseQuery(c *call) (q registry.ExpenseQuery, err error) {
	today := registry.DayOf(h.Now())
	if q.To, err = c.day("to", today); err != nil {
		return q, err
	}
	if q.From, err = c.day("from", q.To-usualDays+1); err != nil {
		return q, err
	}
	q.Key, q.User, q.Model = c.query.Get("key"), c.query.Get("user"), c.query.Get("model")
	if q.Tenant, err = c.tenant(); err != nil {
		return q, err
	}
	q.Order = registry.ByTokens
	if c.query.Has("sort") {
		q.Order = registry.ExpenseOrder(c.query.Get("sort"))
	}
	daily := c.query.Get("daily")
	q.Daily = daily == "true"
	switch {
	case q.From > q.To:
		return q, misused("from", "is after the day of \"to\"")
	case q.Key != "" && !registry.IsID(q.Key):
		return q, misused("key", "is no id of a key of the control database")
	case identity.CheckUser(q.User) != nil || strings.ContainsRune(q.User, 0):
		return q, misused("user", "is no name of a user")
	case strings.ContainsRune(q.Model, 0):
		return q, misused("model", "is no name of a model")
	case !slices.Contains(registry.ExpenseOrders, q.Order):
		return q, misused("sort", fmt.Sprintf("must be one of %v", registry.ExpenseOrders))
	case c.query.Has("daily") && daily != "true" && daily != "false":
		return q, misused("daily", "must be true or false")
	}
	return q, c.expensePage(&q)
}

// expensePage reads which part of the expenses is asked for.
func (c *call) expensePage(q *registry.ExpenseQuery) error {
	if table, err := c.wantsTable(); err != nil || table {
		for _, name := range []string{"limit", "after"} {
			if c.query.Has(name) {
				return misused(name, "is for pages, and a table has everything: leave it out")
			}
		}
	}
	limit, err := c.number("limit", 1, limitMax, limitUsual)
	if err != nil {
		return err
	}
	if q.Limit = int(limit); c.query.Has("after") {
		q.After, err = readMark(c.query.Get("after"))
	}
	return err
}

// day returns a parameter that is a day, or the day that stands for none.
func (c *call) day(name string, none registry.Day) (registry.Day, error) {
	if !c.query.Has(name) {
		return none, nil
	}
	day, err := registry.ParseDay(c.query.Get(name))
	if err != nil {
		return 0, misused(name, "must be a day, such as 2026-11-30")
	}
	return day, nil
}

// writeMark returns a place in a list as clients send it back; "" for none.
func writeMark(m *registry.ExpenseMark) string {
	if m == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(
		fmt.Appendf(nil, "%d %d %s %s", m.Rank, m.Day, m.Key, m.Model))
}

// readMark reads what writeMark has written.
func readMark(text string) (*registry.ExpenseMark, error) {
	const parts = 4
	b, err := base64.RawURLEncoding.DecodeString(text)
	part := append(strings.SplitN(string(b), " ", parts), make([]string, parts)...)
	m := registry.ExpenseMark{Key: part[2], Model: part[3]}
	m.Rank, _ = strconv.ParseInt(part[0], 10, 64) // what is no number is not written so
	day, _ := strconv.ParseInt(part[1], 10, 64)
	m.Day = registry.Day(day)
	if err != nil || writeMark(&m) != text || !registry.IsID(m.Key) ||
		!utf8.ValidString(m.Model) || strings.ContainsRune(m.Model, 0) {
		return nil, misused("after", "must be the value of next in the list before")
	}
	return &m, nil
}

// tableOfExpenses writes all that q chooses, with the names of the columns in the first row.
func (h *Handler) tableOfExpenses(c *call, q registry.ExpenseQuery) (*answer, error) {
	q.Limit = limitMax
	var t table
	t.add("key", "name", "tenant", "user", "model", "day", "requests", "tokens", "input_tokens",
		"output_tokens")
	more := true
	return h.stream(c, mediaTable, func() ([]byte, error) {
		if !more {
			return nil, nil
		}
		p, err := h.expenses(c, q)
		if err != nil {
			return nil, err
		}
		for i := range p.List {
			e := newExpense(&p.List[i])
			t.add(e.Key, e.Name, e.Tenant, e.User, e.Model, e.Day, number(e.Requests),
				number(e.Tokens), number(e.Input), number(e.Output))
		}
		q.After, more = p.Next, p.Next != nil
		return t.take(), nil
	})
}
