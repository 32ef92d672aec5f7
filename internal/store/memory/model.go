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
	users    map[string]*seat
	limiting calendar // of users: their accounts limit them
	counting calendar // and these only tell what was used
	overflow seat     // of users who come when there is no room for their own
}

// seat is what is kept of one user on one model.
type seat struct {
	model   *model
	name    string
	account *limit.Account // nil before the first charge
	running int64
	own     bool // one user's own: not overflow

	counts bool // the account only tells what was used

	in         *calendar     // where it stands; nil: nowhere
	at         limit.Instant // its moment there
	prev, next *seat         // of the same moment
}

func newModel(s *Store) *model {
	m := &model{store: s, users: map[string]*seat{}}
	m.limiting.open()
	m.counting.open()
	m.overflow.model = m
	return m
}

// look writes to s what a decision about e looks at. A nil seat stands for a
// user of whom nothing is known.
func (m *model) look(e *seat, s *limit.Subjects) {
	s.Running, s.Accounts[limit.ModelScope] = m.running, m.total
	if e == nil {
		return
	}
	s.Accounts[limit.UserScope], s.UserRunning = e.account, e.running
}

// enter sees to it that every account that p needs exists, and returns the
// seat to charge. Where e is nil there is room for a new one.
func (m *model) enter(e *seat, p *limit.Policy, user string, now limit.Instant) *seat {
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

// insert makes the seat of user. It stands in no calendar until its request has
// ended.
func (m *model) insert(user string, now limit.Instant) *seat {
	for range evictions {
		if !m.evict(now) {
			break
		}
		m.store.accounts.Add(-1)
	}
	e := &seat{model: m, name: strings.Clone(user), own: true}
	m.users[e.name] = e
	return e
}

// evict forgets the account that has been idle the longest, and reports whether
// there was one. Its place among the store's accounts is the caller's.
func (m *model) evict(now limit.Instant) bool {
	return m.evictFrom(&m.limiting, now) || m.evictFrom(&m.counting, now)
}

// evictCounting forgets an account that only tells what was used, although it does
// still, and reports whether there was one. Its place is the caller's.
func (m *model) evictCounting() bool { return m.evictFrom(&m.counting, never-1) }

// evictFrom forgets the account of c whose moment is the first, and not after till. An
// account of which nothing runs is idle at the moment at which it stands, whatever the clock
// has done since: its own time is never behind the store's.
func (m *model) evictFrom(c *calendar, till limit.Instant) bool {
	for e := c.first(till); e != nil; e = c.first(till) {
		c.remove(e)
		if e.running > 0 {
			continue // ended puts it back
		}
		delete(m.users, e.name)
		return true
	}
	return false
}

// next returns the first moment at which an account of m may be idle.
func (m *model) next() int64 { return min(m.limiting.next.Load(), m.counting.next.Load()) }

// ended notes that a request of e has been settled.
func (m *model) ended(e *seat) {
	m.running--
	e.running--
	if e.running > 0 || !e.own {
		return
	}
	c := &m.limiting
	if e.counts {
		c = &m.counting
	}
	c.put(e, e.account.Empties())
}
