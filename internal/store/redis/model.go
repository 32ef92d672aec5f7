package redis

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// model is what this process knows of one model whose accounts it charges.
type model struct {
	name     string
	replicas string // key of the replicas that serve it
	account  string // key of its account
	listed   string // key of the list of its users
	outbox   *outbox
	grants   grants
	seen     atomic.Pointer[seen]    // what is known to be written last; nil: nothing
	settled  atomic.Uint64           // the last batch that is known to be applied; 0: none
	users    atomic.Int64            // calls that are under way, and open grants; see Store.use
	latest   atomic.Pointer[program] // of the policy that was used last
	forgoing atomic.Bool             // requests that nothing limits are not counted at the moment
	lease    atomic.Int64            // the replica's time when a lease was asked for that was given

	decisions, leases refusal   // of what was sent last; the outbox has that of settlements
	rehearsal         rehearsal // of the commands that all of these need
}

// seen is the highest number of a call of this process that is known to have written,
// and the enrolment that it was made in.
type seen struct{ last, enrolment int64 }

// sees notes what the result of a script that has written ends with. Calls are answered
// in any order. Another enrolment than before is news to the heartbeats: what runs may
// have to be written again.
func (m *model) sees(s *Store, result []int64) {
	now := &seen{enrolment: result[len(result)-2], last: result[len(result)-1]}
	for {
		old := m.seen.Load()
		if old != nil && old.last >= now.last {
			return
		}
		if m.seen.CompareAndSwap(old, now) {
			if old != nil && old.enrolment != now.enrolment {
				signal(s.served)
			}
			return
		}
	}
}

// enrolment returns the replica's, as far as is known; 0: it is not.
func (m *model) enrolment() int64 {
	if known := m.seen.Load(); known != nil {
		return known.enrolment
	}
	return 0
}

// self returns what scripts get of this process: who it is, and what it has seen.
func (m *model) self(s *Store) string {
	var now seen
	if known := m.seen.Load(); known != nil {
		now = *known
	}
	return s.options.replica + " " + number(now.last) + " " + number(now.enrolment)
}

func newModel(name string) *model {
	account := modelKey(name)
	return &model{
		name: name, replicas: replicasKey(name), account: account, listed: usersKey(account),
	}
}

// use returns the model called name, made at first use, which is not forgotten until
// leave. Names come from the configuration, so their number is bounded.
func (s *Store) use(name string) *model {
	s.mu.RLock()
	m := s.models[name]
	if m != nil {
		m.users.Add(1)
	}
	s.mu.RUnlock()
	if m != nil {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m = s.models[name]; m == nil {
		m = newModel(name)
		m.outbox = newOutbox(s, m)
		s.models[name] = m
		if !s.closed.Load() {
			s.done.Go(m.outbox.run)
		}
	}
	m.users.Add(1)
	return m
}

func (m *model) leave() { m.users.Add(-1) }

// all returns the models that are known: those that are served, and those that calls
// have been about.
func (s *Store) all() []*model {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.models))
}

// program returns p in the words of the scripts.
func (m *model) program(p *limit.Policy) *program {
	g := m.latest.Load()
	if g == nil || g.policy != p {
		g = newProgram(p)
		m.latest.Store(g)
	}
	return g
}

// keys returns what the decision scripts get as KEYS; user is that of the user's account.
func (m *model) keys(user string) []string {
	return []string{m.replicas, m.account, user, m.listed}
}

func (m *model) user(user string) string { return userKey(m.account, user) }

// nameOf returns the user of whom a key is the account: the reverse of user.
func (m *model) nameOf(key string) string { return key[len(m.account)+1:] }
