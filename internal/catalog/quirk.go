package catalog

import (
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
	NoUsage                        // none
)

// quirkLife is how long a quirk is remembered: a model server may have been
// replaced meanwhile.
const quirkLife = 10 * time.Minute

// Quirks remembers the quirk of a model's servers. The zero value knows none. It
// is safe for concurrent use.
type Quirks struct {
	known atomic.Pointer[knownQuirk] // nil: none
}

type knownQuirk struct {
	Quirk
	until time.Time
}

// At returns the quirk that is known at the time now.
func (q *Quirks) At(now time.Time) Quirk {
	if k := q.known.Load(); k != nil && now.Before(k.until) {
		return k.Quirk
	}
	return Quirk{}
}

// Remember notes a quirk that was found out at the time now.
func (q *Quirks) Remember(found Quirk, now time.Time) {
	q.known.Store(&knownQuirk{found, now.Add(quirkLife)})
}
