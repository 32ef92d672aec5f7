package registrar

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// sortedMax is how many rows can be sorted, and turnsMax how often pagesMax pages of the store are
// read for that: all is read for each page that is told.
const sortedMax, turnsMax = 20_000, 10

// pagesMax is how many pages of the store are read for one answer: whoever may see few of the
// users has others read in vain.
const pagesMax = 100

// usagePage returns a page as the store has it: model after model, in the pages of the store,
// each in the order of the accounts' names, and where more begins; the zero mark: nowhere. A page
// may have fewer rows than are asked for, or none, and no user who is there all the time is left
// out.
func (h *Handler) usagePage(ctx context.Context, q *usageQuery) (rows []Usage, next mark, _ error) {
	m, pages := q.after, 0
	for _, p := range q.models {
		if p.Model() < m.Model {
			continue
		}
		if p.Model() > m.Model {
			m = mark{Model: p.Model()}
		}
		for last := false; !last; m.User, m.Begun = nil, false {
			if pages++; pages > pagesMax {
				return rows, m, nil
			}
			page, next, err := h.storePage(ctx, q, p, m)
			if err != nil {
				return nil, m, err
			}
			if room := q.limit - len(rows); q.limit > 0 && len(page) > room {
				if rows = append(rows, page[:room]...); room > 0 {
					m.User, m.Begun = []byte(page[room-1].account), true
				}
				return rows, m, nil
			}
			rows = append(rows, page...)
			m.Page, last = next, next == ""
		}
	}
	return rows, mark{}, nil
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
func (h *Handler) usageSorted(ctx context.Context, q *usageQuery) ([]Usage, mark, error) {
	all := *q
	all.after = mark{}
	var rows []Usage
	for turn := 0; turn == 0 || all.after.Model != ""; turn++ {
		all.limit = sortedMax + 1 - len(rows)
		if all.limit <= 0 || turn == turnsMax {
			return nil, mark{}, problem("too_many_rows", "there are more than can be sorted, "+
				"%d rows: choose a model, or take all with format=csv and sort there", sortedMax)
		}
		some, next, err := h.usagePage(ctx, &all)
		if err != nil {
			return nil, mark{}, err
		}
		rows = append(rows, some...)
		all.after = next
	}
	q.sort(rows)
	rows, next := q.cut(slices.CompactFunc(rows, func(a, b Usage) bool {
		return a.account == b.account && a.Model == b.Model // who was told twice
	}))
	return rows, next, nil
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
func (q *usageQuery) cut(rows []Usage) ([]Usage, mark) {
	if q.after.Model != "" {
		last := Usage{Model: q.after.Model, account: string(q.after.User)}
		rows = slices.DeleteFunc(rows, func(u Usage) bool {
			return q.compare(q.value(&u), &u, q.after.Value, &last) <= 0
		})
	}
	if q.limit == 0 || len(rows) <= q.limit {
		return rows, mark{}
	}
	rows = rows[:q.limit]
	u := &rows[q.limit-1]
	return rows, mark{Sort: q.sorted, Value: q.value(u), Model: u.Model, User: []byte(u.account)}
}

// value returns what a row is sorted by; 0 where nothing is asked for.
func (q *usageQuery) value(u *Usage) int64 {
	if q.by == nil {
		return 0
	}
	return q.by(u)
}
