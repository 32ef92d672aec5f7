package catalog

import (
	"sync"
	"sync/atomic"
	"time"
)

// Quirk is in which way a model server differs from vLLM in telling the usage of
// its streams. The zero value is not at all.
type Quirk struct {
	Asked  UsageOptions // that it takes; the others it rejects
	Silent bool         // it takes them and tells nothing before the end
}

// UsageOptions is which of the stream options that ask for usage are sent.
type UsageOptions uint8

// The options, from the most.
const (
	EveryChunk UsageOptions = iota // include_usage and continuous_usage_stats
	TotalOnly                      // include_usage
	AskNothing                     // none
)

// quirkLife is how long a quirk is remembered: a model server may have been replaced meanwhile.
const quirkLife = 10 * time.Minute

// Quirks remembers the quirks of model servers, each by the server's name and the model's: behind
// one address there may be several. The zero value knows none. It is safe for concurrent use.
type Quirks struct {
	known atomic.Pointer[map[quirky]knownQuirk] // nil: none; a map is not changed
	mu    sync.Mutex                            // held while known is replaced
}

// quirky is what has a quirk.
type quirky struct{ server, servedAs string }

type knownQuirk struct {
	Quirk
	until time.Time
}

// Any reports whether a quirk of any server may be known.
func (q *Quirks) Any() bool { return q.known.Load() != nil }

// At returns the quirk that is known at the time now of the server with that name,
// where it serves the model under the name servedAs.
func (q *Quirks) At(server, servedAs string, now time.Time) Quirk {
	if known := q.known.Load(); known != nil {
		if k := (*known)[quirky{server, servedAs}]; now.Before(k.until) {
			return k.Quirk
		}
	}
	return Quirk{}
}

// Remember notes a quirk that was found out at the time now, and forgets those that
// are out of date, so that servers that have gone leave nothing.
func (q *Quirks) Remember(server, servedAs string, found Quirk, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := map[quirky]knownQuirk{{server, servedAs}: {found, now.Add(quirkLife)}}
	if known := q.known.Load(); known != nil {
		for of, k := range *known {
			if _, renewed := next[of]; !renewed && now.Before(k.until) {
				next[of] = k
			}
		}
	}
	q.known.Store(&next)
}
