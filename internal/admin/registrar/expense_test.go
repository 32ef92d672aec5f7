package registrar_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// TestExpensesOverHTTP: they are told page after page in each order, or as one table, in which no
// name is a formula; questions that cannot be meant are refused.
func TestExpensesOverHTTP(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *desk) {
		today := registry.DayOf(time.Now())
		var ids []string
		for i, user := range []string{"alice", "=1+1", "김민수"} {
			id, _ := d.create(t, fmt.Sprintf(`{"name":"key, \"%d\"","user":%q}`, i, user))
			ids = append(ids, id)
			for day := range registry.Day(2) {
				if err := d.store.Spend(t.Context(), registry.ExpenseReport{Replica: "r", Number: int64(2*i) + int64(day) + 1, Expenses: []registry.Expense{
					{Day: today - 40*day, Key: id, Model: "llama 2", Requests: 1, Input: int64(10 * i), Output: 5},
				}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		row := func(i int, more string) string {
			return fmt.Sprintf("%s %s llama 2 %d %d 5%s", ids[i], []string{"alice", "=1+1", "김민수"}[i], 1, 10*i+5, more)
		}
		all := "&from=2000-01-01"
		twice := func(i int) string {
			return strings.Replace(row(i, ""), fmt.Sprintf(" 1 %d 5", 10*i+5), fmt.Sprintf(" 2 %d 10", 20*i+10), 1)
		}
		for query, want := range map[string][]string{
			"":                            {row(2, ""), row(1, ""), row(0, "")},
			"sort=key":                    {row(0, ""), row(1, ""), row(2, "")},
			"user=alice":                  {row(0, "")},
			"key=" + ids[1]:               {row(1, "")},
			"model=none":                  nil,
			all[1:]:                       {twice(2), twice(1), twice(0)},
			"daily=true&user=alice" + all: {row(0, " "+(today-40).String()), row(0, " "+today.String())},
			"to=" + (today - 1).String():  nil,
			"to=" + (today - 40).String(): {row(2, ""), row(1, ""), row(0, "")},
		} {
			for limit := 1; limit <= 4; limit++ {
				if got := d.expenses(t, query, limit); !slices.Equal(got, want) {
					t.Errorf("%s in pages of %d: %q, want %q", query, limit, got, want)
				}
			}
		}
		g := d.ask(t, "GET", "/usage/keys?format=csv&sort=key", "").want(t, "a table", 200, "")
		rows, err := csv.NewReader(strings.NewReader(g.text)).ReadAll()
		if err != nil || len(rows) != 4 || rows[2][3] != "'=1+1" || rows[1][1] != `key, "0"` || rows[3][7] != "25" || g.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
			t.Errorf("the table is %s %q", g.header, g.text)
		}
		for _, query := range []string{
			"from=2026-02-30", "from=today", "from=2099-01-01", "to=1", "sort=name", "sort=", "daily=yes", "format=xml", "key=file:operator", "user=%00", "model=%00", "model=%ff",
			"limit=0", "limit=1001", "after=x", "after=", "format=csv&limit=1", "format=csv&after=x", "tenant_=1", "dry_run=true", "key=1&key=2",
		} {
			d.ask(t, "GET", "/usage/keys?"+query, "").want(t, query, 400, "invalid_request")
		}
		d.ask(t, "GET", "/usage/keys", "", "Authorization", "Bearer "+userSecret).want(t, "a user", 403, "permission_denied")
	})
}

// expenses returns those that a query finds, page after page.
func (d *desk) expenses(t *testing.T, query string, limit int) (list []string) {
	t.Helper()
	for after := ""; ; {
		g := d.ask(t, "GET", fmt.Sprintf("/usage/keys?limit=%d&%s%s", limit, query, after), "").want(t, query, 200, "")
		data := g.body["data"].([]any)
		for _, r := range data {
			m := r.(map[string]any)
			if m["tokens"] != m["input_tokens"].(float64)+m["output_tokens"].(float64) {
				t.Errorf("the sum is wrong: %v", m)
			}
			day := ""
			if m["day"] != nil {
				day = fmt.Sprint(" ", m["day"])
			}
			list = append(list, fmt.Sprintf("%v %v %v %v %v %v%s", m["key"], m["user"], m["model"], m["requests"], m["tokens"], m["output_tokens"], day))
		}
		if g.at("has_more") != "true" {
			return list
		}
		if len(data) != limit {
			t.Fatalf("a page of %d has %d, and there are more: %s", limit, len(data), g.text)
		}
		after = "&after=" + g.at("next")
	}
}
