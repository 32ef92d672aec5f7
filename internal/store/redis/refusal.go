package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// refusal is why the server does not take what is sent to it; nil: it does, or
// nobody has asked. The zero value is ready for use and safe for concurrent use.
type refusal struct{ atomic.Pointer[callError] }

// note notes how a call has ended. A call that was not answered says nothing.
func (r *refusal) note(err error) {
	if err == nil {
		if r.Load() != nil {
			r.Store(nil)
		}
		return
	}
	if e := asRefusal(err); e != nil {
		r.Store(e)
	}
}

func (r *refusal) err() error {
	if e := r.Load(); e != nil {
		return e
	}
	return nil
}

// asRefusal returns err as what the server answered to a call; nil where it did
// not answer with an error.
func asRefusal(err error) *callError {
	if e, ok := errors.AsType[*callError](err); ok {
		if _, refused := rueidis.IsRedisErr(e.cause); refused {
			return e
		}
	}
	return nil
}

func (m *model) decided(err error) {
	m.decisions.note(err)
	m.rehearsal.doubted(err)
}

// refused returns what the server refuses of m, or nil: a command that its scripts
// need; its settlements, which wait; its decisions; its lease.
func (m *model) refused() error {
	for _, what := range []struct {
		refusal *refusal
		format  string
	}{
		{&m.rehearsal.refusal, "a command that %s needs is refused: %w"},
		{&m.outbox.refusal, "settlements of %s are refused: %w"},
		{&m.decisions, "decisions of %s are refused: %w"},
		{&m.leases, "the lease of %s is refused: %w"},
	} {
		if e := what.refusal.Load(); e != nil {
			return fmt.Errorf(what.format, m.name, e)
		}
	}
	return nil
}

// Refused implements limit.Store.
func (s *Store) Refused(model string) error {
	s.mu.RLock()
	m := s.models[model]
	s.mu.RUnlock()
	if m == nil {
		return nil
	}
	return m.refused()
}

// refusesAll reports why the server decides nothing, although it answers: it is full,
// or a replica. Where it refuses what concerns a model (a key is not what it should
// be, or a permission is missing) it is asked whether it takes what concerns others:
// those that it has not refused, or else a model without a name, which no key of
// anybody's is about.
func (s *Store) refusesAll(ctx context.Context) error {
	s.tryAll(ctx)
	models := s.all()
	isRefused := func(m *model) bool { return m.refused() != nil }
	refused := slices.DeleteFunc(slices.Clone(models), func(m *model) bool { return !isRefused(m) })
	if len(refused) == 0 {
		return nil
	}
	taken := false
	for _, m := range refused {
		s.look(ctx, m)
		taken = taken || !isRefused(m)
	}
	for _, m := range models {
		if taken {
			return nil
		}
		if !slices.Contains(refused, m) {
			s.look(ctx, m)
			taken = !isRefused(m)
		}
	}
	if taken {
		return nil
	}
	nobodys := newModel("")
	err := s.try(ctx, time.Now().Add(tryTimeout), nobodys)
	if err == nil { // a server whose memory is full takes that
		err = s.callAll(ctx, s.options.Timeout, []request{nobodys.heartbeat(s)})[0].err
	}
	if e := asRefusal(err); e != nil {
		return e
	}
	return nil
}

// look renews the lease on m, and finds out whether the server takes again what it
// has refused.
func (s *Store) look(ctx context.Context, m *model) {
	if m.rehearsal.Load() != nil && s.try(ctx, time.Now().Add(tryTimeout), m) != nil {
		return
	}
	s.renewAll(ctx, s.options.Timeout, []*model{m})
}
