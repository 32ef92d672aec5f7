package redis

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tryAgain is how long a refusal stands before a request of the model has the
	// commands tried again.
	tryAgain = 100 * time.Millisecond
	// tryTimeout is how long a rehearsal may take that no request waits for.
	tryTimeout = time.Second
	// triedFor is how long a rehearsal stands that no script has cast doubt on: rights may
	// be taken away.
	triedFor = 10 * time.Second
	// triedAtOnce is how many models are tried in one round trip.
	triedAtOnce = 50
)

// rehearsal is whether the server takes every command that the scripts use, under the
// hash tag of one model. A script that lacks one would fail after it has written
// half of what it should. The zero value is ready for use: nothing has been tried.
type rehearsal struct {
	refusal               // of the rehearsal that was last
	on      atomic.Uint64 // the connection that was tried last; 0: none, or there is doubt
	at      atomic.Int64  // when, in ms since the store's start
	mu      sync.Mutex    // held while a request has it tried
}

// commandOf finds the commands in the sources of scripts.
var commandOf = regexp.MustCompile(`redis\.p?call\('([A-Z]+)'`)

// commandsOf returns the commands that the sources use, each once.
func commandsOf(sources ...string) []string {
	var all []string
	for _, source := range sources {
		for _, found := range commandOf.FindAllStringSubmatch(source, -1) {
			all = append(all, found[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rehearsed returns why nothing of m can be sent, so that no script fails half-way:
// the server refuses a command. It has the commands tried where that was not done on
// this connection, until the given time at most, and otherwise costs nothing.
func (s *Store) rehearsed(ctx context.Context, till time.Time, m *model) error {
	t := &m.rehearsal
	if t.on.Load() != s.connections.Load() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.on.Load() != s.connections.Load() { // no other request had it tried meanwhile
			return s.try(ctx, till, m)
		}
		return t.err()
	}
	if t.Load() == nil {
		return nil
	}
	at, now := t.at.Load(), time.Since(s.started).Milliseconds()
	if now-at < tryAgain.Milliseconds() || !t.at.CompareAndSwap(at, now) {
		return t.err()
	}
	return s.try(ctx, till, m)
}

// doubted notes how a script of m has ended. After an error the commands are tried
// before anything else is sent.
func (t *rehearsal) doubted(err error) {
	if asRefusal(err) != nil {
		t.on.Store(0)
	}
}

// tryAll has the commands tried of all models of which it is not known, or was not
// lately, that the server takes them, many in a round trip.
func (s *Store) tryAll(ctx context.Context) {
	var doubtful []*model
	now := time.Since(s.started).Milliseconds()
	for _, m := range s.all() {
		t := &m.rehearsal
		old := now-t.at.Load() > triedFor.Milliseconds()
		if old || t.on.Load() != s.connections.Load() || t.Load() != nil {
			doubtful = append(doubtful, m)
		}
	}
	for some := range slices.Chunk(doubtful, triedAtOnce) {
		err := s.try(ctx, time.Now().Add(tryTimeout), some...)
		if err != nil && asRefusal(err) == nil {
			return // it does not answer
		}
	}
}

// try has the commands tried of models, in one round trip, and returns an error where
// one of them is refused or not answered.
func (s *Store) try(ctx context.Context, till time.Time, models ...*model) (err error) {
	connection := s.connections.Load()
	// Whole scripts have to be taken too, which has to do with the keys of no model.
	requests := []request{{script: s.scripts.try, args: s.tryArgs(), whole: true}}
	for _, m := range models {
		args := append(s.tryArgs(), s.scripts.commands...)
		requests = append(requests, request{script: s.scripts.try, keys: m.tryKeys(), args: args})
	}
	turn := newTurn(ctx)
	answers := s.exchange(turn, till, requests)
	if turn.made != 0 {
		connection = turn.made
	}
	for i, m := range models {
		e := answers[0].err
		if e == nil {
			e = answers[i+1].err
		}
		if e == nil || asRefusal(e) != nil {
			if e == nil && m.rehearsal.Load() != nil {
				signal(m.outbox.hurry) // what waits may be taken now
			}
			m.rehearsal.note(e)
			m.rehearsal.on.Store(connection)
			m.rehearsal.at.Store(time.Since(s.started).Milliseconds())
		}
		if e != nil {
			err = e
		}
	}
	return unsent(err)
}

// unsent returns the error of a rehearsal as that of what waited for it, and was not sent.
func unsent(err error) error {
	e, ok := errors.AsType[*callError](err)
	if !ok || !e.unsure {
		return err
	}
	sure := *e
	sure.unsure = false
	return &sure
}

// tryArgs returns the arguments of a rehearsal of no command.
func (s *Store) tryArgs() []string { return []string{number(s.pending.skip()), s.options.replica} }

// tryKeys returns a key of each kind that m has, which no account or replica has: its
// own have a colon or nothing behind the hash tag.
func (m *model) tryKeys() []string { return []string{m.account + ".try", m.replicas + ".try"} }
