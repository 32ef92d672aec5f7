package memory

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// DefaultMaxAccounts is how many accounts of users are kept unless Options
// say otherwise.
const DefaultMaxAccounts = 1_000_000

// Options of a Store. The zero value is usable.
type Options struct {
	// MaxAccounts bounds the accounts of users, over all models; 0 means
	// DefaultMaxAccounts.
	MaxAccounts int
	// Now is the store's clock; nil means the wall clock at the start,
	// continued by the monotonic clock.
	Now func() limit.Instant
}

// Store is a limit.Store in memory. It is safe for concurrent use.
type Store struct {
	now         func() limit.Instant
	maxAccounts int64
	accounts    atomic.Int64 // of users, over all models
	closed      atomic.Bool

	models atomic.Pointer[map[string]*model] // every change makes a new map: see change
	mu     sync.Mutex                        // of those who make one
}

var _ limit.Store = (*Store)(nil)

// New returns an empty store.
func New(o Options) *Store {
	if o.MaxAccounts <= 0 {
		o.MaxAccounts = DefaultMaxAccounts
	}
	if o.Now == nil {
		o.Now = clock(time.Now())
	}
	s := &Store{now: o.Now, maxAccounts: int64(o.MaxAccounts)}
	s.models.Store(&map[string]*model{})
	return s
}

// clock returns the clock that showed start, and goes on with the monotonic one.
func clock(start time.Time) func() limit.Instant {
	base := start.UnixNano()
	return func() limit.Instant {
		return limit.Instant((base + int64(time.Since(start))) / int64(time.Millisecond))
	}
}

// model returns the accounts of the model called name, made at first use.
// Names come from the configuration, and go by Forget.
func (s *Store) model(name string) *model {
	if m := (*s.models.Load())[name]; m != nil {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := (*s.models.Load())[name]
	if m == nil {
		m = newModel(s)
		s.change(func(models map[string]*model) { models[name] = m })
	}
	return m
}

// change changes the models. It is for the holder of mu.
func (s *Store) change(edit func(models map[string]*model)) {
	models := maps.Clone(*s.models.Load())
	edit(models)
	s.models.Store(&models)
}

// lock returns the accounts of the model called name, locked.
func (s *Store) lock(name string) *model {
	for {
		m := s.model(name)
		m.mu.Lock()
		if !m.gone {
			return m
		}
		m.mu.Unlock() // Forget came between
	}
}

// seatOf returns the model that p charges, locked, the seat that a decision on need is about,
// and the time: the seat of user, the overflow seat, or nil for a new one. For that there is
// room, which is to be used or given back, or need is denied at that time: nobody is forgotten
// for a denial. It uses d.
func (s *Store) seatOf(p *limit.Policy, user string, need limit.Amount, d *limit.Decision,
) (m *model, e *seat, room bool, now limit.Instant) {
	m = s.lock(p.Model())
	now = s.now()
	if e = m.users[user]; e != nil {
		return m, e, false, now
	}
	switch {
	case s.take():
		return m, nil, true, now
	case s.Full():
		return m, &m.overflow, false, now
	}
	if m.check(nil, p, need, now, new(limit.Subjects), d); !d.Admitted {
		return m, nil, false, now
	}
	// An idle account may be any model's, and nobody holds two models' locks.
	m.mu.Unlock()
	room = s.makeRoom()
	m = s.lock(p.Model())
	if e = m.users[user]; e == nil && !room {
		e = &m.overflow
	}
	return m, e, room, s.now()
}

// take takes room for an account, if there is some.
func (s *Store) take() bool {
	for n := s.accounts.Load(); n < s.maxAccounts; n = s.accounts.Load() {
		if s.accounts.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// leave gives room for an account back.
func (s *Store) leave() { s.accounts.Add(-1) }

// makeRoom forgets an idle account, of whichever model, and takes its room; where none is
// idle, that of one that only tells what was used. It reports false where there is none of
// these either. No lock may be held.
func (s *Store) makeRoom() bool {
	return s.evict(limiting, s.now()) || s.evict(counting, ever) || s.take()
}

// evict forgets the account of a kind from k on whose moment is the first of all models',
// and not after till.
func (s *Store) evict(k kind, till limit.Instant) (found bool) {
	for m := s.ripest(k, till); m != nil && !found; m = s.ripest(k, till) {
		m.mu.Lock()
		found = m.evict(k, till)
		m.mu.Unlock()
	}
	return found
}

// ripest returns the model with the account that evict is to forget, as far as can be told
// without its lock; nil where there is none. A model without one is not named twice.
func (s *Store) ripest(k kind, till limit.Instant) (found *model) {
	for _, m := range *s.models.Load() {
		if next := m.next(k); next <= till {
			found, till = m, next
		}
	}
	return found
}

// Reserve implements limit.Store. Its only error is limit.ErrClosed.
func (s *Store) Reserve(_ context.Context, p *limit.Policy, user string, need limit.Amount,
	g *limit.Grant, d *limit.Decision,
) error {
	if s.closed.Load() {
		return limit.ErrClosed
	}
	if !p.Limits() {
		need = limit.Amount{}
	}
	m, e, room, now := s.seatOf(p, user, need, d)
	defer m.mu.Unlock()

	var sub limit.Subjects
	m.check(e, p, need, now, &sub, d)
	if d.Admitted {
		if !sub.Covers(p) { // as where e is nil: every policy counts something of a user
			room = room && e != nil
			e = m.enter(e, p, user, now)
			m.look(e, &sub)
			sub.Advance(now)
		}
		e.kind = limiting
		if p.OnlyCounts() {
			e.kind = counting
		}
		g.Open(p, e.name)
		g.Account = m.begin(e, now)
		sub.Charge(need, g)
	}
	if room {
		s.leave()
	}
	sub.Stand(p, d)
	return nil
}

// TopUp implements limit.Store. Its only error is limit.ErrClosed.
func (s *Store) TopUp(_ context.Context, g *limit.Grant, more limit.Amount, b limit.Bound,
) (limit.TopUp, error) {
	if s.closed.Load() {
		return limit.TopUp{}, limit.ErrClosed
	}
	if !g.IsOpen() || !g.Policy.Limits() {
		return limit.TopUp{Granted: g.IsOpen()}, nil
	}
	e := g.Account.(*run).seat
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	var sub limit.Subjects
	m.look(e, &sub)
	sub.Advance(s.now())
	return sub.TopUp(g.Policy, g, more, b), nil
}

// Settle implements limit.Store. It is done when it returns.
func (s *Store) Settle(g *limit.Grant, used limit.Amount) {
	if !g.Close() {
		return
	}
	r := g.Account.(*run)
	e := r.seat
	m := e.model
	m.mu.Lock()
	defer m.mu.Unlock()
	var sub limit.Subjects
	m.look(e, &sub)
	if g.Exceeds(used) {
		sub.Advance(s.now())
	}
	sub.Settle(g, used)
	m.end(r)
}

// Holds implements limit.Store: nobody else gives slots away.
func (s *Store) Holds(g *limit.Grant) bool { return g.IsOpen() }

// View implements limit.Store. Its only error is limit.ErrClosed.
func (s *Store) View(_ context.Context, p *limit.Policy, user string) (limit.View, error) {
	if s.closed.Load() {
		return limit.View{}, limit.ErrClosed
	}
	m := s.lock(p.Model())
	defer m.mu.Unlock()
	e := m.users[user]
	if e == nil && s.Full() {
		e = &m.overflow
	}
	now := s.now()
	var sub limit.Subjects
	m.look(e, &sub)
	sub.Advance(now)
	return sub.View(p, now), nil
}

// Accounts returns how many accounts of users there are.
func (s *Store) Accounts() int { return int(s.accounts.Load()) }

// Full reports whether new users share overflow accounts: there are as many accounts
// as may be, and none of them is idle.
func (s *Store) Full() bool {
	return s.accounts.Load() >= s.maxAccounts &&
		s.ripest(limiting, s.now()) == nil && s.ripest(counting, ever) == nil
}

// Flush implements limit.Store: there is nothing to wait for.
func (s *Store) Flush(context.Context) error { return nil }

// Ping implements limit.Store.
func (s *Store) Ping(context.Context) error {
	if s.closed.Load() {
		return limit.ErrClosed
	}
	return nil
}

// Refused implements limit.Store: memory takes everything.
func (s *Store) Refused(string) error { return nil }

// Close implements limit.Store. Settlements of requests that are still
// running are accepted.
func (s *Store) Close(context.Context) error {
	s.closed.Store(true)
	return nil
}
