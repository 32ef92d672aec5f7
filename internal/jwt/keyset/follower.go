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
	source  Source
	set     *jwt.KeySet
	pace    pace
	log     *slog.Logger
	stop    context.CancelFunc
	ended   chan struct{}
	tried   chan struct{} // closed once it was asked for the first time, whatever it answered
	ask     chan struct{} // of one: somebody misses a key
	started time.Time     // when it was last asked; of run alone

	mu      sync.Mutex
	misses  misses
	planned bool      // it will be asked for them
	reading bool      // it is being asked
	away    bool      // it could not be asked the last time
	known   time.Time // when it last answered with keys
}

// known are keys, and when they were read. The zero value: they never were.
type known struct {
	set *jwt.KeySet
	at  time.Time
}

// follow asks an issuer until the follower is stopped, beginning with what is known of it.
func follow(s Source, before known, p pace, log *slog.Logger) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{
		source: s, set: &jwt.KeySet{}, pace: p, log: log, stop: stop,
		ended: make(chan struct{}), tried: make(chan struct{}), ask: make(chan struct{}, 1),
		misses: newMisses(), reading: true, known: before.at,
	}
	if before.set != nil {
		f.set = before.set.Copy()
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

// missed implements [jwt.KeySet].Missed. It has the issuer asked as soon as the pace lets it be.
func (f *follower) missed(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	comes := f.away || !f.misses.isAbsent(token)
	if f.away || f.reading {
		return comes // whoever comes again is asked for then
	}
	f.misses.add(token)
	if !f.planned {
		f.planned = true
		f.ask <- struct{}{} // there is room: nobody asks twice
	}
	return comes
}

// run asks again and again until ctx ends.
func (f *follower) run(ctx context.Context) {
	defer close(f.ended)
	wait := f.pace.first
	for first := true; ; first = false {
		next := f.source.Refresh
		if f.read(ctx) {
			wait = f.pace.first
		} else {
			next = min(wait, next)
			wait = min(2*wait, f.pace.most)
		}
		if first {
			close(f.tried)
		}
		if !f.rest(ctx, spread(next)) {
			return
		}
	}
}

// rest waits for the next question: for a time, or for the pace where somebody misses a key
// meanwhile. It reports whether there is one, for ctx may end.
func (f *follower) rest(ctx context.Context, d time.Duration) bool {
	due := time.Now().Add(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-f.ask:
			if soonest := f.started.Add(f.pace.missed); soonest.Before(due) {
				due = soonest
				timer.Reset(time.Until(due))
			}
		case <-timer.C:
			return true
		}
	}
}

// spread varies a time by a tenth, so that replicas do not ask all at once.
func spread(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) // #nosec G404 -- nobody gains by guessing it
}

// read asks once, and reports whether there was an answer that is taken.
func (f *follower) read(ctx context.Context) (ok bool) {
	f.begin()
	keys, left, err := Fetch(ctx, f.source)
	if ctx.Err() != nil {
		return false
	}
	added, removed := 0, 0
	if err == nil {
		added, removed = f.set.Replace(keys) // before any token counts as asked for
	}
	was, first := f.end(err == nil)
	switch {
	case err != nil && !was:
		f.log.Warn("the keys of an issuer of JWTs cannot be read: "+
			"those that are known keep working", "issuer", f.source.Issuer,
			"known", f.set.Known(), "error", err)
	case err == nil && len(keys) == 0 && (was || first || removed > 0):
		f.log.Warn("an issuer of JWTs publishes an empty list of keys: none of its JWTs is taken",
			"issuer", f.source.Issuer, "removed", removed)
	case err == nil && (was || added+removed > 0):
		f.log.Info("the keys of an issuer of JWTs are read", "issuer", f.source.Issuer,
			"keys", len(keys), "added", added, "removed", removed, "left out", len(left))
	}
	return err == nil
}

// begin notes that the issuer is being asked, for all that were missed so far.
func (f *follower) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started, f.reading, f.planned = time.Now(), true, false
	f.misses.ask()
	select {
	case <-f.ask: // it is asked now
	default:
	}
}

// end notes whether the issuer has answered, and says whether it was away before, and whether
// there were never keys.
func (f *follower) end(answered bool) (was, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, first = f.away, f.known.IsZero()
	f.reading, f.away = false, !answered
	if answered {
		f.known = f.started
		f.misses.answered()
	}
	return was, first
}
