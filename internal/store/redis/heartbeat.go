package redis

import (
	"context"
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// beat renews this replica's lease on every model, so that its running
// requests go on counting however long they run.
func (s *Store) beat() {
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

// Serve implements limit.Store. From then on the store has the commands tried of each, renews their
// leases, and so moves their lease clocks, although no request of them has come yet: what other
// replicas run of them that were killed ends in its time.
func (s *Store) Serve(names []string) {
	for _, name := range names {
		s.use(name).leave()
	}
	signal(s.served)
}

// heartbeatsAtOnce is how many heartbeats go out together.
const heartbeatsAtOnce = 128

// renew renews the lease on every model once, many in one round trip, but for those of
// which the server refuses a command. A failure needs no care: the next heartbeat, or
// the next reservation, renews it.
func (s *Store) renew() {
	s.tryAll(s.ctx)
	taken := slices.DeleteFunc(s.all(), func(m *model) bool { return m.rehearsal.Load() != nil })
	for some := range slices.Chunk(taken, heartbeatsAtOnce) {
		// Nobody waits for them, so they may take longer than a decision.
		beats, asked, got := s.renewAll(s.ctx, batchTimeout, some)
		s.steps.look(s, beats, asked, got)
	}
}

// renewAll renews the leases on models in one round trip, and in another one asks
// whether the server takes again what it has refused: a view reads what a decision does.
// It returns the answers to the first, and when they were asked for and had come.
func (s *Store) renewAll(ctx context.Context, timeout time.Duration, models []*model,
) (answers []answer, asked, got int64) {
	refused := make([]bool, len(models))
	beats := make([]request, len(models))
	for i, m := range models {
		refused[i] = m.decisions.Load() != nil || m.leases.Load() != nil
		beats[i] = m.heartbeat(s)
	}
	asked = s.leaseTime()
	answers = s.callAll(ctx, timeout, beats)
	got = s.leaseTime()
	var views []request
	var viewed []*model
	for i, m := range models {
		m.leased(s, answers[i], asked)
		if g := m.latest.Load(); g != nil && m.decisions.Load() != nil {
			views, viewed = append(views, m.look(s, g)), append(viewed, m)
		}
	}
	for i, a := range s.callAll(ctx, timeout, views) {
		viewed[i].decisions.note(a.err)
	}
	for i, m := range models {
		if refused[i] && m.decisions.Load() == nil && m.leases.Load() == nil {
			signal(m.outbox.hurry) // settlements may be taken too
		}
	}
	return answers, asked, got
}

// heartbeat returns what renews the lease on m.
func (m *model) heartbeat(s *Store) request {
	args := []string{number(s.pending.skip()), m.self(s), number(m.settled.Load())}
	return request{script: s.scripts.heartbeat, keys: []string{m.replicas, m.listed}, args: args}
}

// leased notes the answer to a heartbeat that was asked for at a time.
func (m *model) leased(s *Store, a answer, asked int64) {
	m.leases.note(a.err)
	m.rehearsal.doubted(a.err)
	if a.err == nil {
		m.renewed(asked)
		m.sees(s, a.values)
		s.restore(m, a.values[1])
	}
}

// look returns what reads all that a decision on m reads of the model, under g.
func (m *model) look(s *Store, g *program) request {
	args := []string{number(s.pending.skip()), m.self(s), "", g.modelRings}
	return request{script: s.scripts.view, keys: m.keys("")[:2], args: args}
}

// restore has written again what Redis has lost of the requests that m runs, if it has:
// the replica's enrolment is not the one that they were charged in.
func (s *Store) restore(m *model, enrolment int64) {
	if n := m.grants.restore(m.outbox, enrolment); n > 0 {
		s.counts.add(func(st *Stats) { st.Restored += int64(n) })
		s.options.Restored(m.name, n)
	}
}

// leaseTime is a time of this replica, which goes on while it is paused: in
// milliseconds since the start of the store.
func (s *Store) leaseTime() int64 {
	if s.options.local != nil {
		return s.options.local()
	}
	if s.options.Now != nil {
		return int64(s.options.Now())
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
// within its time, and errs on the side of false. Where nothing is limited nobody
// else waits for a slot.
func (s *Store) Holds(g *limit.Grant) bool {
	if g.IsOpen() && !g.Policy.Limits() {
		return true
	}
	h, ok := g.Account.(*holding)
	return ok && g.IsOpen() && s.leaseTime()-h.model.lease.Load() < sureFor.Milliseconds()
}
