package memory

import (
	"context"
	"fmt"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// rows are the seats of a model in so many lists that walking one is short, however many
// users there are. A seat stays in its row, so that whoever walks one row after the other
// meets each once. The model's lock guards them; the zero value is empty.
type rows struct {
	first [rowCount]*seat
	next  uint16 // the row of the next seat
}

// rowCount is how many rows there are: 1,000,000 users are a thousand to a row.
const rowCount = 1024

// place is where a seat stands: in a row, between two others.
type place struct {
	row           uint16
	before, after *seat
}

// add puts e at the beginning of the next row.
func (r *rows) add(e *seat) {
	first := r.first[r.next]
	e.row = place{row: r.next, after: first}
	if first != nil {
		first.row.before = e
	}
	r.first[r.next] = e
	r.next = (r.next + 1) % rowCount
}

// remove takes e out.
func (r *rows) remove(e *seat) {
	p := e.row
	if p.before != nil {
		p.before.row.after = p.after
	} else {
		r.first[p.row] = p.after
	}
	if p.after != nil {
		p.after.row.before = p.before
	}
	e.row = place{}
}

// Users implements limit.Store. Users who share the overflow account are not told: nobody
// keeps their names. Its other error is limit.ErrClosed.
func (s *Store) Users(_ context.Context, p *limit.Policy, after string, about int,
) (page limit.UserPage, err error) {
	if s.closed.Load() {
		return page, limit.ErrClosed
	}
	row := 0
	if after != "" {
		row, err = strconv.Atoi(after)
		if err != nil || row <= 0 || row >= rowCount || strconv.Itoa(row) != after {
			return page, fmt.Errorf("memory: %w", limit.ErrPage)
		}
	}
	m := (*s.models.Load())[p.Model()]
	if m == nil {
		return page, nil
	}
	about = min(max(about, 1), limit.UsersMax)
	for ; row < rowCount && len(page.Users) < about; row++ {
		page.Users = m.viewRow(row, p, page.Users)
	}
	if row < rowCount {
		page.Next = strconv.Itoa(row)
	}
	return page, nil
}

// viewRow appends to all where the users of a row stand under p.
func (m *model) viewRow(row int, p *limit.Policy, all []limit.UserView) []limit.UserView {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.store.now()
	for e := m.rows.first[row]; e != nil; e = e.row.after {
		var sub limit.Subjects
		m.look(e, &sub)
		sub.Advance(now)
		if v := sub.View(p, now); !v.IsIdle() {
			all = append(all, limit.UserView{User: e.name, View: v})
		}
	}
	return all
}
