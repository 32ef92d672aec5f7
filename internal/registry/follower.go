package registry

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pollInterval is how often the revision is asked for, and pollTimeout for how long: what
	// one gateway changes is known to the others within a second. A line that is slow has four
	// round trips.
	pollInterval = 250 * time.Millisecond
	pollTimeout  = 900 * time.Millisecond
	// connectTimeout is for the question where the store was not heard lately: to connect to
	// it takes several round trips.
	connectTimeout = 3 * time.Second
	// staleAfter is when what is known may not be what there is.
	staleAfter = time.Second
)

// Follower keeps a Keyring at what a Store has. It is safe for concurrent use.
type Follower struct {
	store Store
	log   *slog.Logger
	Keys  *Keyring
	// Notified has Run listen for what the store tells by itself, where it does. It is set
	// before Run.
	Notified bool
	begun    time.Time // of its monotonic clock

	turn     chan struct{} // held while changes are read and applied
	revision atomic.Pointer[Revision]
	heard    atomic.Int64 // when the store was last heard, since begun; unheard: not yet
	resumed  atomic.Bool  // what is known is of a copy, or later

	mu   sync.Mutex
	away bool // the log says so
}

// unheard is earlier than whatever was heard.
const unheard = math.MinInt64

// NewFollower returns a follower that knows nothing yet: see Follow and Run.
func NewFollower(s Store, log *slog.Logger) *Follower {
	f := &Follower{store: s, log: log, begun: time.Now(), turn: make(chan struct{}, 1)}
	f.revision.Store(&Revision{})
	f.heard.Store(unheard)
	f.Keys = NewKeyring(time.Now, f.Fresh)
	return f
}

// Revision returns what is applied; the zero one before anything is.
func (f *Follower) Revision() Revision { return *f.revision.Load() }

// Heard reports whether the store was heard since the start.
func (f *Follower) Heard() bool { return f.heard.Load() != unheard }

// Informed reports whether keys are known: the store was heard since the start, or Resume was
// called.
func (f *Follower) Informed() bool { return f.Heard() || f.resumed.Load() }

// Age returns how long ago the store was last heard; where that was never, since the follower was
// made, and staleAfter at the least.
func (f *Follower) Age() time.Duration {
	if heard := f.heard.Load(); heard != unheard {
		return time.Since(f.begun) - time.Duration(heard)
	}
	return max(time.Since(f.begun), staleAfter)
}

// Fresh reports whether what is known is what there was a second ago.
func (f *Follower) Fresh() bool { return f.Age() < staleAfter }

// Follow reads what has changed and applies it, once. Callers wait for each other, but no longer
// than their context allows. Whoever has changed something knows afterwards that it is applied
// here.
func (f *Follower) Follow(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.turn }()
	asked := time.Since(f.begun)
	// The log says that the store is away while a call hangs, too.
	hanging := time.AfterFunc(f.patience(), func() { f.noteAway(errHangs) })
	err := f.catchUp(ctx)
	hanging.Stop()
	if err == nil {
		f.heard.Store(int64(asked))
		f.noteBack()
	} else if ctx.Err() == nil {
		f.noteAway(err)
	}
	return err
}

// errHangs is what the log says of a store while it is waited for.
var errHangs = fmt.Errorf("it has not answered for %v", staleAfter)

// patience returns for how long the store may take before the log says that it is away.
func (f *Follower) patience() time.Duration {
	if age := f.Age(); age < staleAfter {
		return staleAfter - age + time.Millisecond
	}
	return staleAfter + time.Millisecond
}

// noteAway says that the store is away, once, where it was not heard lately.
func (f *Follower) noteAway(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away || f.Fresh() {
		return
	}
	f.away = true
	f.log.Error("the control database does not answer: keys that are known keep working, "+
		"unknown ones are answered with 503, and nothing can be changed", "error", err)
}

func (f *Follower) noteBack() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		f.away = false
		f.log.Info("the control database is back", "revision", f.Revision().Number)
	}
}

// catchUp applies what has changed since the last time. The caller has its turn.
func (f *Follower) catchUp(ctx context.Context) error {
	timeout := pollTimeout
	if !f.Fresh() {
		timeout = connectTimeout
	}
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	revision, err := f.store.Revision(asking)
	known := f.Revision()
	if err != nil || revision == known {
		return err
	}
	c, err := f.store.Changes(ctx, known)
	if err != nil {
		return err
	}
	if c.Whole && known != (Revision{}) {
		f.log.Warn("the control database has another history than before: it was restored, or "+
			"has lost changes; all keys were read anew",
			"revision", c.Revision.Number, "before", known.Number)
	}
	f.Keys.Apply(c)
	f.revision.Store(&c.Revision)
	return nil
}

// Run follows until ctx ends: at each tick, and at once where the store tells of a change.
func (f *Follower) Run(ctx context.Context) {
	told := make(chan struct{}, 1)
	if n, ok := f.store.(Notifier); ok && f.Notified {
		var listening sync.WaitGroup
		defer listening.Wait()
		listening.Go(func() {
			n.Listen(ctx, func() {
				select {
				case told <- struct{}{}:
				default: // it is going to look anyway
				}
			})
		})
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		_ = f.Follow(ctx) // it is in the log
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-told:
		}
	}
}
