package database

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

const (
	// keepReport changes a row where the report is the first one with its number.
	keepReport = "INSERT INTO expense_reports (replica, number, seen_at) VALUES ($1, $2, NOW) " +
		"ON CONFLICT (replica) DO UPDATE SET number = excluded.number, " +
		"seen_at = excluded.seen_at WHERE excluded.number > expense_reports.number"
	dropReports = "DELETE FROM expense_reports WHERE seen_at < NOW - $1"
	addExpense  = "INSERT INTO expenses " +
		"(day, key_id, model, requests, input_tokens, output_tokens) " +
		"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day, key_id, model) DO UPDATE SET " +
		"requests = expenses.requests + excluded.requests, " +
		"input_tokens = expenses.input_tokens + excluded.input_tokens, " +
		"output_tokens = expenses.output_tokens + excluded.output_tokens"
	dropExpenses = "DELETE FROM expenses WHERE day < NOW / 86400000000 - $1"
)

// reportsKept is for how long the number of a replica's last report is known: longer than a
// database is away, after which a report may be sent again.
const reportsKept = 7 * 24 * time.Hour

// Spend implements registry.Expenses.
func (d *Database) Spend(ctx context.Context, r registry.ExpenseReport) error {
	db, err := d.ready(ctx)
	if err != nil {
		return err
	}
	return unavailable(inTransaction(ctx, db, func(tx *sql.Tx) error {
		// #nosec G202 -- a text of the engine's own
		if _, err := tx.ExecContext(ctx, "SELECT "+d.bounded()); err != nil {
			return err
		}
		kept, err := tx.ExecContext(ctx, d.timed(keepReport), r.Replica, r.Number)
		if err != nil {
			return err
		}
		if n, err := kept.RowsAffected(); err != nil || n == 0 {
			return err // it was added before
		}
		for i := range r.Expenses {
			e := &r.Expenses[i]
			if _, err := tx.ExecContext(ctx, addExpense, int64(e.Day), e.Key, e.Model,
				e.Requests, e.Input, e.Output); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, d.timed(dropReports), reportsKept.Microseconds())
		if err == nil {
			_, err = tx.ExecContext(ctx, d.timed(dropExpenses), registry.ExpenseDays)
		}
		return err
	}))
}

// Expenses implements registry.Expenses.
func (d *Database) Expenses(
	ctx context.Context, q registry.ExpenseQuery,
) (p registry.ExpensePage, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	db, err := d.ready(ctx)
	if err != nil {
		return p, err
	}
	statement, args := selectExpenses(q)
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return p, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e registry.KeyExpense
		if err := rows.Scan(&e.Day, &e.Key, &e.Model, &e.Requests, &e.Input, &e.Output,
			&e.Name, &e.User, &e.Tenant); err != nil {
			return p, unavailable(err)
		}
		p.List = append(p.List, e)
	}
	if len(p.List) > q.Limit {
		p.List = p.List[:q.Limit]
		last := &p.List[q.Limit-1].Expense
		p.Next = &registry.ExpenseMark{
			Rank: q.Order.RankOf(last), Key: last.Key, Model: last.Model, Day: last.Day,
		}
	}
	return p, unavailable(rows.Err())
}

// ranks are what expenses are sorted by. A number alone would be the place of a column.
var ranks = map[registry.ExpenseOrder]string{
	registry.ByTokens: "input_tokens + output_tokens", registry.ByInput: "input_tokens",
	registry.ByOutput: "output_tokens", registry.ByRequests: "requests",
	registry.ByKey: "CAST(0 AS BIGINT)",
}

// selectExpenses returns the question for a page and one more, and its arguments.
func selectExpenses(q registry.ExpenseQuery) (statement string, args []any) {
	var c conditions
	c.add("day >= ?", int64(q.From))
	c.add("day <= ?", int64(q.To))
	if q.Key != "" {
		c.add("key_id = ?", q.Key)
	}
	if q.User != "" {
		c.add("key_id IN (SELECT id FROM api_keys WHERE owner = ?)", q.User)
	}
	if q.Tenant != "" {
		c.add("key_id IN (SELECT id FROM api_keys WHERE tenant = ?)",
			identity.TenantInside(q.Tenant))
	}
	if q.Model != "" {
		c.add("model = ?", q.Model)
	}
	day, group := "0", "key_id, model"
	if q.Daily {
		day, group = "day", "day, key_id, model"
	}
	sums := ""
	for _, column := range []string{"requests", "input_tokens", "output_tokens"} {
		sums += ", CAST(SUM(" + column + ") AS BIGINT) AS " + column
	}
	from := "(SELECT " + day + " AS day, key_id, model" + sums + " FROM expenses" + c.where() +
		" GROUP BY " + group + ")"
	rank, after := ranks[q.Order], ""
	if m := q.After; m != nil {
		r, k, l := c.arg(m.Rank), c.arg(m.Key), c.arg(m.Model)
		after = " WHERE " + rank + " < " + r + " OR " + rank + " = " + r + " AND (key_id > " + k +
			" OR key_id = " + k + " AND (model > " + l + " OR model = " + l + " AND day > " +
			strconv.FormatInt(int64(m.Day), 10) + "))"
	}
	return "SELECT e.*, k.name, k.owner, k.tenant FROM " + from +
		" e JOIN api_keys k ON k.id = e.key_id" + after + " ORDER BY " + rank +
		" DESC, key_id, model, day LIMIT " + c.arg(q.Limit+1), c.args
}
