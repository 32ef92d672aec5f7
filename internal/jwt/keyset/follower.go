package keyset

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// Pace says how often an issuer is asked beside its source's interval.
type pace struct {
	missed      time.Duration // the least time between questions for a key that is not known
	first, most time.Duration // until it is asked again after it was away; doubled up to the most
}

var usualPace = pace{missed: 10 * time.Second, first: time.Second, most: time.Minute}

// follower keeps one set at what its issuer publishes.
type follower struct {
	source Source
	set    *jwt.KeySet
	pace   pace
	log    *slog.Logger
	stop   context.CancelFunc
	ended  chan struct{}
	ask    chan struct{} // of one: somebody misses a key

	mu      sync.Mutex
	asking  bool      // it is being asked, or will be at once
	away    bool      // it could not be asked the last time
	started time.Time // when it was last asked
	known   time.Time // when it last answered with keys
}

// follow asks an issuer until the follower is stopped.
func follow(s Source, p pace, log *slog.Logger) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{
		source: s, set: &jwt.KeySet{}, pace: p, log: log, stop: stop,
		ended: make(chan struct{}), ask: make(chan struct{}, 1), asking: true,
	}
	f.set.Missed = f.missed
	go f.run(ctx)
	return f
}

// lastRead returns when there were last keys; the zero time: never.
func (f *follower) lastRead() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known
}

// close ends it, and waits for that.
func (f *follower) close() {
	f.stop()
	<-f.ended
}

// missed implements [jwt.KeySet].Missed.
func (f *follower) missed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asking || f.away {
		return true
	}
	if time.Since(f.started) < f.pace.missed {
		return false
	}
	f.asking = true
	f.ask <- struct{}{} // there is room: nobody asks twice
	return true
}

// run asks again and again until ctx ends.
func (f *follower) run(ctx context.Context) {
	defer close(f.ended)
	wait := f.pace.first
	for {
		next := f.source.Refresh
		if f.read(ctx) {
			wait = f.pace.first
		} else {
			next = min(wait, next)
			wait = min(2*wait, f.pace.most)
		}
		timer := time.NewTimer(spread(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-f.ask:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// spread varies a time by a tenth, so that replicas do not ask all at once.
func spread(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) // #nosec G404 -- nobody gains by guessing it
}

// read asks once, and reports whether there was an answer that is taken.
func (f *follower) read(ctx context.Context) (ok bool) {
	f.mu.Lock()
	f.asking, f.started = true, time.Now()
	f.mu.Unlock()
	keys, left, err := Fetch(ctx, f.source)
	if ctx.Err() != nil {
		return false
	}
	added, removed := 0, 0
	if err == nil {
		added, removed = f.set.Replace(keys) // before it is no longer asked
	}
	f.mu.Lock()
	was := f.away
	f.asking, f.away = false, err != nil
	if err == nil {
		f.known = f.started
	}
	select {
	case <-f.ask: // it was asked meanwhile
	default:
	}
	f.mu.Unlock()
	switch {
	case err != nil && !was:
		f.log.Warn("the keys of an issuer of JWTs cannot be read: "+
			"those that are known keep working", "issuer", f.source.Issuer,
			"known", f.set.Known(), "error", err)
	case err == nil && (was || added+removed > 0):
		f.log.Info("the keys of an issuer of JWTs are read", "issuer", f.source.Issuer,
			"keys", len(keys), "added", added, "removed", removed, "left out", len(left))
	}
	return err == nil
}
