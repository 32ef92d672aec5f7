package redis

import (
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// model is what this process knows of one model whose accounts it charges.
type model struct {
	name     string
	replicas string // key of the replicas that serve it
	account  string // key of its account
	stream   *stream
	grants   grants
	settled  atomic.Pointer[settled] // the last batch that is known to be applied; nil: none
	users    atomic.Int64            // calls that are under way, and open grants; see Store.use
	latest   atomic.Pointer[program] // of the policy that was used last
	lease    atomic.Int64            // the replica's time when a lease was asked for that was given

	decisions, leases refusal   // of what was sent last; the stream has that of settlements
	rehearsal         rehearsal // of the commands that all of these need
}

// settled is a batch that was acknowledged, and the enrolment that it was applied in.
type settled struct {
	batch     uint64
	enrolment int64
}

// enrolment returns the replica's, as far as is known; 0: it is not.
func (m *model) enrolment() int64 {
	if last := m.settled.Load(); last != nil {
		return last.enrolment
	}
	return 0
}

// acknowledged notes that a batch is applied in an enrolment. The stream of m calls it,
// one at a time.
func (m *model) acknowledged(batch uint64, enrolment int64) {
	if last := m.settled.Load(); last == nil || batch >= last.batch {
		m.settled.Store(&settled{batch, enrolment})
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
	m = s.known(name)
	m.users.Add(1)
	return m
}

// leave ends what use has begun.
func (m *model) leave() { m.users.Add(-1) }

// known returns the model called name, made where there is none. The caller holds
// the lock.
func (s *Store) known(name string) *model {
	m := s.models[name]
	if m != nil {
		return m
	}
	m = &model{name: name, replicas: replicasKey(name), account: modelKey(name)}
	m.stream = newStream(s, m)
	s.models[name] = m
	if !s.closed.Load() {
		s.done.Add(1)
		go m.stream.run()
	}
	return m
}

// all returns the models that are known: those that are served, and those that calls
// have been about.
func (s *Store) all() []*model {
	s.mu.RLock()
	defer s.mu.RUnlock()
	models := make([]*model, 0, len(s.models))
	for _, m := range s.models {
		models = append(models, m)
	}
	return models
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

// keys returns what the decision scripts get as KEYS. The user's account is
// "" for what is about the model alone.
func (m *model) keys(user string) []string {
	if user == "" {
		return []string{m.replicas, m.account}
	}
	return []string{m.replicas, m.account, user}
}

// user returns the key of a user's account.
func (m *model) user(user string) string { return userKey(m.account, user) }
