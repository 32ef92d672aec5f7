package memory

import (
	"strings"
	"sync"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// evictions is how many accounts a new one forgets at most, to make room: more
// than one, so that the number shrinks after a peak. It is also how many of the
// longest unused ones are looked at to find one.
const evictions = 2

// model is what one model's decisions look at and change.
type model struct {
	store *Store

	mu       sync.Mutex
	gone     bool           // from the store: nothing may be charged here any more
	total    *limit.Account // over all users; nil until a limit needs it
	running  int64
	users    map[string]*entry
	recent   entry // sentinel of the ring of entries, the longest unused next
	overflow entry // of users who come when there is no room for their own
	nobody   entry // stands for every user where no limit is of users
}

// entry is what is kept of one user on one model.
type entry struct {
	model      *model
	name       string
	account    *limit.Account // nil where only running requests are limited
	running    int64
	prev, next *entry // in the order of use; nil for overflow and nobody
}

func newModel(s *Store) *model {
	m := &model{store: s, users: map[string]*entry{}}
	m.recent.prev, m.recent.next = &m.recent, &m.recent
	m.overflow.model, m.nobody.model = m, m
	return m
}

// needsUser reports whether p limits users at all.
func needsUser(p *limit.Policy) bool {
	return p.Layout(limit.UserScope) != nil || p.MaxConcurrentPerUser() >= 0
}

// find returns the entry of user; nil where there is none yet and there is
// room for one; the overflow entry where there is no room.
func (m *model) find(p *limit.Policy, user string, now limit.Instant) *entry {
	if !needsUser(p) {
		return &m.nobody
	}
	if e := m.users[user]; e != nil {
		return e
	}
	if m.store.Full() && !m.evict(now) {
		return &m.overflow
	}
	return nil
}

// look writes to s what a decision about e looks at. A nil entry stands for a
// user of whom nothing is known.
func (m *model) look(e *entry, s *limit.Subjects) {
	s.Running, s.Accounts[limit.ModelScope] = m.running, m.total
	if e == nil {
		return
	}
	s.Accounts[limit.UserScope] = e.account
	if e != &m.nobody {
		s.UserRunning = e.running
	}
}

// enter sees to it that every account that p needs exists, and returns the
// entry to charge.
func (m *model) enter(e *entry, p *limit.Policy, user string, now limit.Instant) *entry {
	if e == nil {
		e = m.insert(user, now)
	}
	e.account = cover(e.account, p.Layout(limit.UserScope))
	m.total = cover(m.total, p.Layout(limit.ModelScope))
	return e
}

// cover returns a with at least the rings of l, or a new account where a is
// nil. Nothing is needed where l is nil.
func cover(a *limit.Account, l *limit.Layout) *limit.Account {
	if l == nil {
		return a
	}
	if a == nil {
		return limit.NewAccount(l)
	}
	a.Cover(l)
	return a
}

// insert makes the entry of user, or returns the overflow entry where there
// is no room. It makes room first.
func (m *model) insert(user string, now limit.Instant) *entry {
	for range evictions {
		if !m.evict(now) {
			break
		}
	}
	if m.store.accounts.Add(1) > m.store.maxAccounts {
		m.store.accounts.Add(-1)
		return &m.overflow
	}
	e := &entry{model: m, name: strings.Clone(user)}
	m.users[e.name] = e
	m.link(e)
	return e
}

// evict forgets the longest unused account if nothing of it counts any more.
// One whose request is running is in use, however long ago it was charged: it
// goes to the back, so that it does not stand before accounts that are idle.
func (m *model) evict(now limit.Instant) bool {
	for range evictions {
		e := m.recent.next
		if e == &m.recent {
			return false
		}
		if e.running == 0 {
			return m.forget(e, now)
		}
		m.used(e)
	}
	return false
}

// forget drops e if nothing of it counts any more. No request of e may be
// running.
func (m *model) forget(e *entry, now limit.Instant) bool {
	if e.account != nil {
		e.account.Advance(now)
		if !e.account.Idle() {
			return false
		}
	}
	m.unlink(e)
	delete(m.users, e.name)
	m.store.accounts.Add(-1)
	return true
}

// used notes that e was just charged.
func (m *model) used(e *entry) {
	if e.next == nil || m.recent.prev == e {
		return
	}
	m.unlink(e)
	m.link(e)
}

func (m *model) link(e *entry) {
	e.prev, e.next = m.recent.prev, &m.recent
	e.prev.next, e.next.prev = e, e
}

func (m *model) unlink(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}
