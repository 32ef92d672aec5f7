package redis

import (
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// beat renews this replica's lease on every model, so that its running
// requests go on counting however long they run.
func (s *Store) beat() {
	defer s.done.Done()
	if s.options.heartbeat < 0 {
		return
	}
	tick := time.NewTicker(s.options.heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.renew()
		case <-s.served:
			s.renew()
		}
	}
}

// Serve tells the store of models that are served. From then on it renews their leases,
// and so moves their lease clocks, although no request of them has come yet: what other
// replicas run of them that were killed ends in its time.
func (s *Store) Serve(names ...string) {
	for _, name := range names {
		s.use(name).leave()
	}
	signal(s.served)
}

// heartbeatsAtOnce is how many heartbeats go out together.
const heartbeatsAtOnce = 128

// renew renews the lease on every model once, many in one round trip. A failure needs
// no care: the next heartbeat, or the next reservation, renews it.
func (s *Store) renew() {
	for some := range slices.Chunk(s.all(), heartbeatsAtOnce) {
		s.renewAll(some)
	}
}

// renewAll renews the leases on models in one round trip, and in another one asks
// whether the server takes again what it has refused: a view reads what a decision does.
func (s *Store) renewAll(models []*model) {
	refused := make([]bool, len(models))
	beats := make([]*pipelined, len(models))
	for i, m := range models {
		refused[i] = m.decisions.Load() != nil || m.leases.Load() != nil
		beats[i] = &pipelined{keys: []string{m.replicas}, args: []string{"", s.options.Replica, number(m.settled.Load())}}
	}
	asked := s.leaseTime()
	s.numbered(s.scripts.heartbeat, beats)
	s.steps.look(s, beats, asked)
	var views []*pipelined
	var viewed []*model
	for i, m := range models {
		m.leases.note(beats[i].err)
		if beats[i].err == nil {
			m.renewed(asked)
			s.restore(m, beats[i].reply[1])
		}
		if g := m.latest.Load(); g != nil && m.decisions.Load() != nil {
			views = append(views, &pipelined{keys: m.keys(""), args: []string{"", s.options.Replica, "", g.modelRings}})
			viewed = append(viewed, m)
		}
	}
	s.numbered(s.scripts.view, views)
	for i, m := range viewed {
		m.decisions.note(views[i].err)
	}
	for i, m := range models {
		if refused[i] && m.decisions.Load() == nil && m.leases.Load() == nil {
			signal(m.stream.hurry) // so may settlements be
		}
	}
}

// numbered makes calls together, each with a nonce. Nobody waits for them, so they may
// take longer than a decision.
func (s *Store) numbered(sc *script, calls []*pipelined) {
	nonces := make([]uint64, len(calls))
	for i, c := range calls {
		nonces[i] = s.pending.begin()
		c.args[0] = number(nonces[i])
	}
	s.callMany(s.ctx, sc, batchTimeout, calls)
	for _, n := range nonces {
		s.pending.end(n)
	}
}

// restore has written again what Redis has lost of the requests that m runs, if it has:
// the replica's enrolment is not the one that they were charged in.
func (s *Store) restore(m *model, enrolment int64) {
	if n := m.grants.restore(m.stream, enrolment); n > 0 {
		s.counts.restored.Add(int64(n))
		s.options.Restored(m.name, n)
	}
}

// leaseTime is a time of this replica, which goes on while it is paused: in
// milliseconds since the start of the store.
func (s *Store) leaseTime() int64 {
	if s.options.local != nil {
		return s.options.local()
	}
	if s.now != nil {
		return int64(s.now())
	}
	return time.Since(s.started).Milliseconds()
}

// renewed notes that a lease that was asked for at a time has been given.
func (m *model) renewed(asked int64) {
	for {
		old := m.lease.Load()
		if asked <= old || m.lease.CompareAndSwap(old, asked) {
			return
		}
	}
}

// sureFor is how long a lease lasts for certain: a step of the server's clock may move
// the lease clock ahead by the time between two heartbeats.
const sureFor = leaseTTL - heartbeatEvery

// Holds implements limit.Store: it reports whether the lease has been renewed
// within its time, and errs on the side of false.
func (s *Store) Holds(g *limit.Grant) bool {
	h, ok := g.Account.(*held)
	return ok && g.IsOpen() && s.leaseTime()-h.model.lease.Load() < sureFor.Milliseconds()
}
