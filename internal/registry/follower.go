package registry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pollInterval is how often the revision is asked for, and pollTimeout for how long: what
	// one gateway changes is known to the others within a second.
	pollInterval = 250 * time.Millisecond
	pollTimeout  = 200 * time.Millisecond
	// connectTimeout is for the question where the store was not heard lately: to connect to
	// it may take several round trips.
	connectTimeout = 2 * time.Second
	// staleAfter is when what is known may not be what there is.
	staleAfter = time.Second
)

// Follower keeps a Keyring at what a Store has. It is safe for concurrent use.
type Follower struct {
	store Store
	log   *slog.Logger
	Keys  *Keyring

	mu       sync.Mutex   // held while changes are read and applied
	revision atomic.Int64 // that is applied; 0: none yet
	read     atomic.Int64 // when the store was last heard, in nanoseconds since 1970
	away     bool         // the log says so; guarded by mu
}

// NewFollower returns a follower that knows nothing yet: see Follow and Run.
func NewFollower(s Store, log *slog.Logger) *Follower {
	f := &Follower{store: s, log: log}
	f.Keys = NewKeyring(time.Now, f.Fresh)
	return f
}

// Revision returns what is applied; 0 before anything is.
func (f *Follower) Revision() int64 { return f.revision.Load() }

// Age returns how long ago the store was last heard.
func (f *Follower) Age() time.Duration { return time.Since(time.Unix(0, f.read.Load())) }

// Fresh reports whether what is known is what there was a second ago.
func (f *Follower) Fresh() bool { return f.Age() < staleAfter }

// Follow reads what has changed and applies it, once. Callers wait for each other. Whoever has
// changed something knows afterwards that it is applied here.
func (f *Follower) Follow(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := time.Now()
	err := f.catchUp(ctx)
	switch {
	case err == nil:
		if f.away {
			f.away = false
			f.log.Info("the control database is back", "revision", f.Revision())
		}
		f.read.Store(asked.UnixNano())
	case !f.away && !f.Fresh() && ctx.Err() == nil:
		f.away = true
		f.log.Error("the control database does not answer: keys that are known go on counting, "+
			"unknown ones are answered with 503, and nothing can be changed", "error", err)
	}
	return err
}

// catchUp applies what has changed since the last time. The caller holds the lock.
func (f *Follower) catchUp(ctx context.Context) error {
	timeout := pollTimeout
	if !f.Fresh() {
		timeout = connectTimeout
	}
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	revision, err := f.store.Revision(asking)
	if err != nil || revision == f.Revision() {
		return err
	}
	c, err := f.store.Changes(ctx, f.Revision())
	if err != nil {
		return err
	}
	f.Keys.Apply(c)
	f.revision.Store(c.Revision)
	return nil
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		_ = f.Follow(ctx) // it is in the log
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
