package keyset

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/jwt"
)

// Followers keep the keys of several issuers, from one configuration to the next. They are safe for
// concurrent use.
type Followers struct {
	log  *slog.Logger
	pace pace

	mu       sync.Mutex
	bySource map[Source]*follower
}

// New returns Followers that follow nobody.
func New(log *slog.Logger) *Followers {
	return &Followers{log: log, pace: usualPace, bySource: map[Source]*follower{}}
}

// Open returns the keys of a source, which are followed from now on. It waits for nothing: the
// keys of a source that is new are not known yet, unless it differs from one that is followed only
// in how it is asked.
func (f *Followers) Open(s Source) *jwt.KeySet {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bySource[s] == nil {
		f.bySource[s] = follow(s, f.before(s), f.pace, f.log)
	}
	return f.bySource[s].set
}

// before returns what is known of the keys of a source from another one of the same issuer and
// address.
func (f *Followers) before(s Source) (found known) {
	for other, x := range f.bySource {
		if other.Issuer != s.Issuer || other.URL != s.URL {
			continue
		}
		if at := x.lastRead(); at.After(found.at) {
			found = known{x.set, at}
		}
	}
	return found
}

// Await waits until each issuer that is followed was asked once, or keys of it are known, or ctx
// ends.
func (f *Followers) Await(ctx context.Context) {
	f.mu.Lock()
	all := slices.Collect(maps.Values(f.bySource))
	f.mu.Unlock()
	for _, x := range all {
		if x.set.Known() {
			continue
		}
		select {
		case <-x.tried:
		case <-ctx.Done():
		}
	}
}

// Keep goes on following these sources, and no others. It waits for the end of those.
func (f *Followers) Keep(sources []Source) {
	var gone []*follower
	f.mu.Lock()
	for s, x := range f.bySource {
		if !slices.Contains(sources, s) {
			gone = append(gone, x)
			delete(f.bySource, s)
		}
	}
	f.mu.Unlock()
	for _, x := range gone {
		x.close()
	}
}

// Read returns when the keys of each issuer were last read; the zero time: never.
func (f *Followers) Read() map[string]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]time.Time, len(f.bySource))
	for s, x := range f.bySource {
		if at := x.lastRead(); all[s.Issuer].IsZero() || at.After(all[s.Issuer]) {
			all[s.Issuer] = at // of two sources while one follows the other
		}
	}
	return all
}

// Close follows nobody any more. What is known stays so.
func (f *Followers) Close() { f.Keep(nil) }
