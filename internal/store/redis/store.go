package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Store is a limit.Store in Redis. It is safe for concurrent use.
type Store struct {
	options Options
	scripts *scripts

	client   atomic.Pointer[client]
	desynced atomic.Pointer[client] // to be replaced; nil while all is well
	gate     *gate
	backlog  *backlog
	trouble  atomic.Pointer[callError] // why the last probe failed; nil if it did not
	pending  pending
	batches  atomic.Uint64 // the number of the last batch, of any model
	counts   counts
	steps    steps
	served   chan struct{} // has a value when there may be models without a lease

	connections atomic.Uint64 // number of the last one
	unmade      atomic.Pointer[unmade]
	wire        atomic.Pointer[wire] // nil: none is to be ended

	started time.Time

	ctx    context.Context // ends when the store is closed
	cancel context.CancelFunc
	done   sync.WaitGroup
	closed atomic.Bool

	mu     sync.RWMutex
	models map[string]*model
}

var _ limit.Store = (*Store)(nil)

// New returns a store. It fails only if the options are wrong: where Redis does
// not answer the store starts unavailable, and recovers by itself. Close ends
// it.
func New(ctx context.Context, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		options: o, started: time.Now(), models: map[string]*model{},
		scripts: newScripts(serverClock),
		gate:    newGate(), backlog: newBacklog(), served: make(chan struct{}, 1),
	}
	if o.Now != nil {
		s.scripts = newScripts(argumentClock)
	}
	c, err := s.dial()
	if err != nil {
		return nil, fmt.Errorf("redis: %s: %w", o.Address, err)
	}
	s.client.Store(c)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.probe(ctx) {
		<-s.gate.closed
		s.gate.open()
	}
	s.done.Go(s.watch)
	s.done.Go(s.beat)
	return s, nil
}

// ready reports why no call can be sent, if so.
func (s *Store) ready() error {
	if s.closed.Load() {
		return limit.ErrClosed
	}
	if s.gate.isOpen() {
		return nil
	}
	if e := s.trouble.Load(); e != nil {
		return e
	}
	return s.failed("call", errShut)
}

// Ping implements limit.Store. It asks the server, and does not wait for a
// closed gate. One answer that is missing is no outage: it asks again, until the gate
// is closed. What the server refuses of one model is for Refused to tell.
func (s *Store) Ping(ctx context.Context) error {
	for range failuresToClose {
		if err := s.ready(); err != nil {
			return err
		}
		begun := time.Now()
		err := s.sign(ctx, s.options.Timeout)
		if err == nil {
			s.gate.succeeded()
			return s.refusesAll(ctx)
		}
		if ctx.Err() != nil || asRefusal(err) != nil {
			return err
		}
		s.gate.failed(begun)
		if !s.gate.isOpen() {
			return err
		}
	}
	return s.refusesAll(ctx) // other calls are answered meanwhile
}

const operationPing = "ping"

// sign asks the server for a sign of life.
func (s *Store) sign(ctx context.Context, timeout time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, begun := s.client.Load(), time.Now()
	err := c.Do(limited, c.B().Ping().Build()).Error()
	if err == nil {
		return nil
	}
	late := errors.Is(err, context.DeadlineExceeded)
	if e := s.unmade.Load(); late && e != nil && e.at.After(begun) {
		err = e.cause // what took so long
	}
	failure := s.failed(operationPing, err)
	if ctx.Err() == nil {
		s.options.Observe(failure.operation, time.Since(begun), failure)
	}
	return failure
}

// Hazard implements limit.Store. What a server does when its memory is full is its
// maxmemory-policy, and anything but noeviction drops accounts that still count, which is
// free quota.
func (s *Store) Hazard(ctx context.Context) (string, error) {
	c := s.client.Load()
	text, err := c.Do(ctx, c.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		return "", s.failed("info", err)
	}
	for line := range strings.Lines(text) {
		switch name, policy, _ := strings.Cut(strings.TrimSpace(line), ":"); {
		case name != "maxmemory_policy":
		case policy == "noeviction":
			return "", nil
		default:
			return "this Redis drops live counters when its memory is full: " +
				"its maxmemory-policy is " + policy + "; set that to noeviction", nil
		}
	}
	return "", errors.New("redis: the server does not tell its maxmemory_policy")
}

// Flush implements limit.Store. It does not hurry a server that is down: it
// waits until everything has been applied, or ctx ends.
func (s *Store) Flush(ctx context.Context) error {
	for _, m := range s.all() {
		if err := m.outbox.flush(ctx); err != nil {
			return fmt.Errorf("redis: settlements of %s are not applied yet: %w", m.name, err)
		}
	}
	return nil
}

// Close implements limit.Store. Settlements that could not be applied until
// ctx ends are lost: what they would have given back stays charged until it
// slides out.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock() // no model's goroutine starts from here on
	closed := s.closed.Swap(true)
	s.mu.Unlock()
	if closed {
		return limit.ErrClosed
	}
	err := s.Flush(ctx)
	s.cancel()
	s.done.Wait()
	s.client.Load().Close()
	return err
}
