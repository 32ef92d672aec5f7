package registrar

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// sortedMax is how many rows can be sorted: all of them are read for each page.
const sortedMax = 20_000

// usagePage returns a page as the store has it: model after model, in the pages of the store,
// each in the order of the accounts' names. So no more is read than is shown, and no user who is
// there all the time is left out.
func (h *Handler) usagePage(ctx context.Context, q *usageQuery) (rows []Usage, _ string, _ error) {
	m := q.after
	for _, p := range q.models {
		if p.Model() < m.Model {
			continue
		}
		if p.Model() > m.Model {
			m = mark{Model: p.Model()}
		}
		for last := false; !last; m.User, m.Begun = nil, false {
			page, next, err := h.storePage(ctx, q, p, m)
			if err != nil {
				return nil, "", err
			}
			if room := q.limit - len(rows); q.limit > 0 && len(page) > room {
				if rows = append(rows, page[:room]...); room > 0 {
					m.User, m.Begun = []byte(page[room-1].account), true
				}
				return rows, m.text(), nil
			}
			rows = append(rows, page...)
			m.Page, last = next, next == ""
		}
	}
	return rows, "", nil
}

// storePage returns the rows of a page of the store that are behind a mark in it, in the order of
// the accounts' names, and which page is the next.
func (h *Handler) storePage(ctx context.Context, q *usageQuery, p *limit.Policy, m mark,
) (rows []Usage, next string, err error) {
	page, err := h.Accounts.Users(ctx, p, m.Page, limitUsual)
	if errors.Is(err, limit.ErrPage) {
		return nil, "", misused("after", "must be the value of next in the list before")
	}
	if err != nil {
		return nil, "", err
	}
	for i := range page.Users {
		u := newUsage(p.Model(), holderOf(page.Users[i].User), &page.Users[i].View)
		if q.shows(u.Tenant) && (!m.Begun || u.account > string(m.User)) {
			rows = append(rows, u)
		}
	}
	slices.SortFunc(rows, func(a, b Usage) int { return cmp.Compare(a.account, b.account) })
	return rows, page.Next, nil
}

// usageSorted returns a page of all rows, sorted.
func (h *Handler) usageSorted(ctx context.Context, q *usageQuery) ([]Usage, string, error) {
	all := *q
	all.limit, all.after = 0, mark{}
	var rows []Usage
	for _, p := range q.models {
		all.models = []*limit.Policy{p}
		of, _, err := h.usagePage(ctx, &all)
		if err != nil {
			return nil, "", err
		}
		if rows = append(rows, of...); len(rows) > sortedMax {
			return nil, "", problem("too_many_rows", "more than %d rows cannot be sorted: "+
				"choose a model, or take all with format=csv and sort there", sortedMax)
		}
	}
	q.sort(rows)
	return q.cut(slices.CompactFunc(rows, func(a, b Usage) bool {
		return a.account == b.account && a.Model == b.Model // who was told twice
	}))
}

// sort sorts rows as q asks for it.
func (q *usageQuery) sort(rows []Usage) {
	slices.SortFunc(rows, func(a, b Usage) int { return q.compare(q.by(&a), &a, q.by(&b), &b) })
}

// compare compares rows by their values and, where they are the same, by their accounts' names.
func (q *usageQuery) compare(v int64, a *Usage, w int64, b *Usage) int {
	byValue := cmp.Compare(v, w)
	if q.falling {
		byValue = -byValue
	}
	return cmp.Or(byValue, cmp.Compare(a.Model, b.Model), cmp.Compare(a.account, b.account))
}

// cut returns those of all rows, in their order, that follow the mark, as many as are asked for.
func (q *usageQuery) cut(rows []Usage) ([]Usage, string, error) {
	if q.after.Model != "" {
		last := Usage{Model: q.after.Model, account: string(q.after.User)}
		rows = slices.DeleteFunc(rows, func(u Usage) bool {
			return q.compare(q.value(&u), &u, q.after.Value, &last) <= 0
		})
	}
	if q.limit == 0 || len(rows) <= q.limit {
		return rows, "", nil
	}
	rows = rows[:q.limit]
	u := &rows[q.limit-1]
	next := mark{Sort: q.sorted, Value: q.value(u), Model: u.Model, User: []byte(u.account)}
	return rows, next.text(), nil
}

// value returns what a row is sorted by; 0 where nothing is asked for.
func (q *usageQuery) value(u *Usage) int64 {
	if q.by == nil {
		return 0
	}
	return q.by(u)
}
