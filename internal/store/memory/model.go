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
	runs     run  // the requests that run, in a ring that begins behind it
	spare    *run // those that have ended, to be used again
	users    map[string]*seat
	rows     rows            // the same seats
	accounts [kinds]calendar // of users
	overflow seat            // of users who come when there is no room for their own
}

// kind is what an account is for.
type kind uint8

// The kinds of accounts, in the order in which they make room for others.
const (
	limiting kind = iota // it limits its user
	counting             // it only tells what was used
	kinds    = iota
)

// seat is what is kept of one user on one model.
type seat struct {
	model   *model
	name    string
	account *limit.Account // nil before the first charge
	running int64
	own     bool // one user's own: not overflow
	kind    kind
	reset   string // the id of its last reset

	in         *calendar     // where it stands; nil: nowhere
	at         limit.Instant // its moment there
	prev, next *seat         // of the same moment

	row place // where it stands among the users
}

func newModel(s *Store) *model {
	m := &model{store: s, users: map[string]*seat{}}
	for k := range m.accounts {
		m.accounts[k].open()
	}
	m.overflow.model = m
	m.runs.prev, m.runs.next = &m.runs, &m.runs
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

// check writes the decision on need for the user of e to d, and what it has looked at to s.
func (m *model) check(
	e *seat, p *limit.Policy, need limit.Amount, now limit.Instant,
	s *limit.Subjects, d *limit.Decision,
) {
	m.look(e, s)
	s.Advance(now)
	s.Check(p, need, now, d)
}

// enter sees to it that every account that p needs exists, and returns the
// seat to charge. Where e is nil there is room for a new one.
func (m *model) enter(e *seat, p *limit.Policy, user string, now limit.Instant) *seat {
	if e == nil {
		e = m.insert(user, now)
	}
	e.account = e.account.Cover(p.Layout(limit.UserScope))
	m.total = m.total.Cover(p.Layout(limit.ModelScope))
	return e
}

// insert makes the seat of user. It stands in no calendar until its request has
// ended.
func (m *model) insert(user string, now limit.Instant) *seat {
	for range evictions {
		if m.evict(limiting, now) {
			m.store.leave()
		}
	}
	e := &seat{model: m, name: strings.Clone(user), own: true}
	m.users[e.name] = e
	m.rows.add(e)
	return e
}

// evict forgets an account of a kind from k on, whose moment is the first of its kind's and
// not after till, and reports whether there was one, whose room in the store is then to be
// used or given back. An account of which nothing runs is idle at the moment at which it
// stands, whatever the clock has done since: its own time is never behind the store's.
func (m *model) evict(k kind, till limit.Instant) bool {
	for ; k < kinds; k++ {
		c := &m.accounts[k]
		for e := c.first(till); e != nil; e = c.first(till) {
			c.remove(e)
			if e.running == 0 { // else ended puts it back
				delete(m.users, e.name)
				m.rows.remove(e)
				return true
			}
		}
	}
	return false
}

// next returns the first moment of an account of a kind from k on. It needs no lock.
func (m *model) next(k kind) limit.Instant {
	at := int64(never)
	for ; k < kinds; k++ {
		at = min(at, m.accounts[k].next.Load())
	}
	return limit.Instant(at)
}
