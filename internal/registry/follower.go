package registry

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
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
	// calmAfter is how long the store answers before the log says that it is back: one that
	// answers now and then fills no log.
	calmAfter = 3 * time.Second
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
	// reached is up to where pieces of changes were read, and sought what there was when they
	// began; the zero ones: none are being read, and what was sought was asked for. turn is held.
	reached, sought Revision
	heard           atomic.Int64 // when the store was last heard, since begun; unheard: not yet
	resumed         atomic.Bool  // what is known is of a copy, or later

	mu   sync.Mutex
	away bool          // the log says so
	calm time.Duration // since when the store answers, since begun, where away
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

// everybodyIn is the census where nothing was ever changed.
var everybodyIn = new(identity.Census)

// Census returns who may not come in at the moment, and what custom roles give; nil while that is
// not known, as long as Informed is false. It allocates nothing.
func (f *Follower) Census() *identity.Census {
	if c := f.Keys.Census(); c != nil || !f.Informed() {
		return c
	}
	return everybodyIn
}

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
	// The log says that the store is away while a call hangs, too.
	hanging := time.AfterFunc(f.patience(), func() { f.noteAway(errHangs) })
	asked, err := f.catchUp(ctx, hanging)
	hanging.Stop()
	if err == nil {
		f.noteBack(asked)
		f.heard.Store(int64(asked))
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
	f.away, f.calm = true, time.Since(f.begun)
	f.log.Error("the control database does not answer: keys that are known keep working, "+
		"unknown ones are answered with 503, and nothing can be changed", "error", err)
}

// noteBack says that the store is back, once, where it has answered at all times for a while. It
// was asked at that moment.
func (f *Follower) noteBack(asked time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.away:
	case !f.Fresh():
		f.calm = asked
	case asked-f.calm >= calmAfter:
		f.away = false
		f.log.Info("the control database is back", "revision", f.Revision().Number)
	}
}

// catchUp applies what has changed since the last time, in pieces, and returns when it has asked
// for the last one. Pieces stay applied where a later one fails. The caller has its turn, and
// hanging, which is put off with each piece: a store that gives them is not away.
func (f *Follower) catchUp(ctx context.Context, hanging *time.Timer) (time.Duration, error) {
	timeout := pollTimeout
	if !f.Fresh() {
		timeout = connectTimeout
	}
	asked := time.Since(f.begun)
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	revision, err := f.store.Revision(asking)
	known := f.Revision()
	if err != nil || revision == known && f.reached == (Revision{}) {
		return asked, err
	}
	since := known
	if f.reached != (Revision{}) {
		since = f.reached
	}
	for {
		asked = time.Since(f.begun)
		c, err := f.store.Changes(ctx, since)
		if err != nil {
			return asked, err
		}
		hanging.Reset(staleAfter)
		if c.Whole && known != (Revision{}) {
			f.log.Warn("the control database has another history than before: it was restored, "+
				"or has lost changes; all keys were read anew",
				"revision", c.Revision.Number, "before", known.Number)
		}
		f.Keys.Apply(c)
		switch {
		case c.Whole || !c.More && f.sought == (Revision{}):
			f.reached, f.sought = Revision{}, Revision{}
			f.revision.Store(&c.Revision)
			return asked, nil
		case c.More:
			if f.sought == (Revision{}) {
				f.sought = revision
			}
			f.reached = c.Revision
		default: // what pieces have left to later changes is there, if those are of this history
			f.reached, f.sought = f.sought, Revision{}
		}
		since = f.reached
	}
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
