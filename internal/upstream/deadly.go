package upstream

import (
	"sync"
	"time"
)

// deadly remembers the callers whose requests have lately had every model server
// die that they were sent to, which were several. Their next ones are sent to one
// only. The zero value knows none. It is safe for concurrent use.
type deadly struct {
	mu      sync.Mutex
	callers callers
}

// deadlyOptions say that a caller is known as long as one of its last ten requests was such a one.
var deadlyOptions = BreakerOptions{Failures: 1, Outcomes: 10}

// note remembers the caller of a request that was one.
func (d *deadly) note(id uint64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.callers.at(id, now)
	c.seen = now
	c.push(&deadlyOptions, true)
}

// known reports whether the caller is one of those.
func (d *deadly) known(id uint64, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.callers.find(id, now)
	return c != nil && c.failing(&deadlyOptions)
}

// served notes that a request of the caller was answered.
func (d *deadly) served(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.callers.find(id, time.Now()); c != nil {
		c.push(&deadlyOptions, false)
	}
}
