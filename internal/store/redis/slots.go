package redis

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Operations that only tell.
const (
	operationUsers = "users"
	operationSlots = "slots"
)

// Slots implements limit.Store, in two round trips: a replica that comes between them is left
// out.
func (s *Store) Slots(ctx context.Context, name string) (all limit.Slots, err error) {
	if err := s.ready(); err != nil {
		return all, err
	}
	m := s.use(name)
	defer m.leave()
	ids, err := s.replicas(ctx, m)
	if err != nil {
		return all, err
	}
	args := []string{number(s.pending.skip()), m.self(s), strings.Join(ids, " ")}
	ask := request{script: s.scripts.slots, keys: []string{m.replicas}, args: args}
	a := s.callAll(ctx, batchTimeout, []request{ask})[0]
	if a.err != nil {
		return all, a.err
	}
	all.At = limit.Instant(a.values[0])
	for i, id := range ids {
		told := a.values[1+3*i:]
		if told[0] < 0 {
			continue // it was forgotten meanwhile
		}
		all.Replicas = append(all.Replicas, limit.ReplicaSlots{
			Replica: id, Self: id == s.options.replica, Running: told[2],
			Heard: milliseconds(told[0]), Counts: told[1] > 0 || id == s.options.replica,
		})
	}
	all.Own = m.grants.runs(m)
	return all, nil
}

// replicas returns the ids of those that are known to serve m, in order.
func (s *Store) replicas(ctx context.Context, m *model) ([]string, error) {
	limited, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	c := s.client.Load()
	list, err := c.Do(limited, c.B().Hget().Key(m.replicas).Field("replicas").Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, s.failed(operationSlots, err)
	}
	ids := strings.Fields(list)
	slices.Sort(ids)
	return ids, nil
}

// runs returns the requests of m that are open, the oldest first.
func (gs *grants) runs(m *model) []limit.Run {
	gs.mu.Lock()
	open := make([]limit.Run, 0, len(gs.open))
	for h := range gs.open {
		open = append(open, limit.Run{User: m.nameOf(h.user), Since: h.begun})
	}
	gs.mu.Unlock()
	slices.SortFunc(open, func(a, b limit.Run) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.User, b.User))
	})
	return open[:min(len(open), limit.RunsMax)]
}

// Verdicts of the script that frees.
const (
	freeUnknown = -1
	freeLives   = 0
)

// Free implements limit.Store, in one script.
func (s *Store) Free(ctx context.Context, name, replica string) (int64, error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	m := s.use(name)
	defer m.leave()
	args := []string{
		number(s.pending.skip()), m.self(s), replica, number(limit.SilentFor.Milliseconds()),
	}
	if err := s.rehearsed(ctx, time.Now().Add(batchTimeout), m); err != nil {
		return 0, err
	}
	ask := request{script: s.scripts.free, keys: []string{m.replicas}, args: args}
	a := s.callAll(ctx, batchTimeout, []request{ask})[0]
	switch {
	case a.err != nil:
		return 0, a.err
	case a.values[0] == freeUnknown:
		return 0, limit.ErrNoReplica
	case a.values[0] == freeLives:
		self := replica == s.options.replica
		return 0, &limit.LiveError{Self: self, Heard: milliseconds(a.values[2])}
	}
	return a.values[1], nil
}
