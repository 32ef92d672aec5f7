package memory

import (
	"strings"
	"sync"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// evictions is how many idle accounts a new one forgets at most: more than one, so
// that the number shrinks after a peak.
const evictions = 2

// model is what one model's decisions look at and change.
type model struct {
	store *Store

	mu       sync.Mutex
	gone     bool           // from the store: nothing may be charged here any more
	total    *limit.Account // over all users; nil until a limit needs it
	running  int64
	users    map[string]*entry
	calendar calendar // of users
	overflow entry    // of users who come when there is no room for their own
	nobody   entry    // stands for every user where no limit is of users
}

// entry is what is kept of one user on one model.
type entry struct {
	model   *model
	name    string
	account *limit.Account // nil where only running requests are limited
	running int64
	own     bool // one user's own: neither overflow nor nobody

	at         limit.Instant // where it stands in the calendar
	prev, next *entry        // of the same moment; nil: it does not stand there
}

func newModel(s *Store) *model {
	m := &model{store: s, users: map[string]*entry{}}
	m.calendar.open()
	m.overflow.model, m.nobody.model = m, m
	return m
}

// needsUser reports whether p limits users at all.
func needsUser(p *limit.Policy) bool {
	return p.Layout(limit.UserScope) != nil || p.MaxConcurrentPerUser() >= 0
}

// find returns the entry of user; nil where there is none yet.
func (m *model) find(p *limit.Policy, user string) *entry {
	if !needsUser(p) {
		return &m.nobody
	}
	return m.users[user]
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
// entry to charge. Where e is nil there is room for a new one.
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

// insert makes the entry of user. It stands in no calendar until its request has
// ended.
func (m *model) insert(user string, now limit.Instant) *entry {
	for range evictions {
		if !m.evict(now) {
			break
		}
		m.store.accounts.Add(-1)
	}
	e := &entry{model: m, name: strings.Clone(user), own: true}
	m.users[e.name] = e
	return e
}

// evict forgets the account that has been idle the longest, and reports whether
// there was one. Its place among the store's accounts is the caller's.
func (m *model) evict(now limit.Instant) bool {
	for e := m.calendar.first(now); e != nil; e = m.calendar.first(now) {
		m.calendar.remove(e)
		if e.running > 0 {
			continue // ended puts it back
		}
		if a := e.account; a != nil {
			if a.Advance(now); !a.Idle() { // the clock has been put back
				m.calendar.put(e, max(now+1, a.Empties()))
				continue
			}
		}
		delete(m.users, e.name)
		return true
	}
	return false
}

// ended notes that a request of e has been settled.
func (m *model) ended(e *entry) {
	m.running--
	e.running--
	if e.running > 0 || !e.own {
		return
	}
	var at limit.Instant
	if e.account != nil {
		at = e.account.Empties()
	}
	m.calendar.put(e, at)
}
