package registrar

import (
	"strconv"
	"time"
)

// csvPage is how many rows are held at once where they are not sorted.
const csvPage = 500

// exportUsage writes all rows as a table, a line for each meter and window.
func (h *Handler) exportUsage(c *call, q *usageQuery) (*answer, error) {
	if q.by == nil && q.user == nil {
		q.limit = csvPage
	}
	var t table
	t.add("tenant", "user", "model", "running", "meter", "window", "limit", "used", "reserved",
		"remaining", "resets_at")
	more := true
	return h.stream(c, mediaTable, func() ([]byte, error) {
		for more { // a page may have nothing that is shown
			rows, next, err := h.usageRows(c.Context(), q)
			if err != nil {
				return nil, err
			}
			q.after = next
			for i := range rows {
				rows[i].addTo(&t)
			}
			if more = next.Model != ""; len(rows) > 0 {
				break
			}
		}
		return t.take(), nil
	})
}

// addTo adds the lines of a row.
func (u *Usage) addTo(t *table) {
	for i := range u.Windows {
		m := &u.Windows[i]
		t.add(u.Tenant, u.User, u.Model, number(u.Running), m.Meter, m.Window, orNothing(m.Limit),
			number(m.Used), number(m.Reserved), orNothing(m.Remaining),
			m.ResetsAt.Format(time.RFC3339))
	}
}

// number returns a number as a table has it.
func number(n int64) string { return strconv.FormatInt(n, 10) }

// orNothing returns a number; nothing where there is none.
func orNothing(n *int64) string {
	if n == nil {
		return ""
	}
	return number(*n)
}
