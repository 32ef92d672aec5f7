package proxy

import (
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// herd spreads the times at which denied clients come back. All that were
// denied for one limit are told about the same moment: the more of them there
// are, the wider they are spread, so that no second carries more than about a
// tenth of a large crowd. A lone client waits hardly longer than it must.
//
// Its memory does not depend on clients: a counter per model. It is safe for
// concurrent use.
type herd struct {
	mu     sync.Mutex
	models map[string]*crowd
}

// crowd counts the recent denials of one model.
type crowd struct {
	since time.Time
	count int     // since then
	last  int     // in the interval before
	place float64 // of the latest one in the spread, from 0 to 1
}

const (
	// crowdInterval is how long a denial counts: about as long as the wait
	// for a minute's window.
	crowdInterval = time.Minute
	// crowdSize is how many denied clients make a crowd that needs the whole
	// spread.
	crowdSize = 100
	// crowdSpread is over how long a crowd is spread: more than ten seconds,
	// because its first members are spread less.
	crowdSpread = 16 * time.Second
	// golden is the golden ratio less 1. Its multiples, without their whole
	// parts, fill the range from 0 to 1 more evenly than chance does, however
	// many there are.
	golden = math.Phi - 1
	// jitterMin and jitterShare are the least spread, of a lone client too.
	jitterMin   = 2 * time.Second
	jitterShare = 10 // a tenth of the wait
)

// spread returns wait, and what a client is to wait beyond it.
func (h *herd) spread(model string, wait time.Duration, now time.Time) time.Duration {
	n, place := h.join(model, now)
	ofCrowd := crowdSpread * time.Duration(min(n, crowdSize)) / crowdSize
	width := max(jitterMin, wait/jitterShare, ofCrowd)
	return wait + time.Duration(place*float64(width))
}

// join counts one more denial of model. It returns how many there were lately,
// and the place of this one in the spread.
func (h *herd) join(model string, now time.Time) (n int, place float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.crowd(model, now)
	if elapsed := now.Sub(c.since); elapsed >= crowdInterval {
		c.last = c.count
		if elapsed >= 2*crowdInterval {
			c.last = 0
		}
		c.since, c.count = now, 0
	}
	c.count++
	_, c.place = math.Modf(c.place + golden)
	return c.last + c.count - 1, c.place
}

// crowd returns the crowd of model, and drops those that have dispersed for a new one:
// models come and go. Its places begin anywhere, so that replicas do not send their
// clients back at the same moments.
func (h *herd) crowd(model string, now time.Time) *crowd {
	c := h.models[model]
	if c == nil {
		if h.models == nil {
			h.models = map[string]*crowd{}
		}
		maps.DeleteFunc(h.models, func(_ string, c *crowd) bool {
			return now.Sub(c.since) >= 2*crowdInterval
		})
		place := rand.Float64() // #nosec G404 -- spreads clients; nothing is secret
		c = &crowd{since: now, place: place}
		h.models[model] = c
	}
	return c
}
