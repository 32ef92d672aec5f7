package upstream

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"time"
)

const (
	// callersMax is how many callers a breaker tells apart, whatever names there are:
	// the least recent makes room for a new one.
	callersMax = 64
	// callerActive is for how long after the last sign of it a caller counts as active.
	callerActive = time.Minute
)

// callerSeed keeps clients from finding names that are taken for one.
var callerSeed = maphash.MakeSeed()

// callerID returns what callers are told apart by: of a name only a hash is kept.
func callerID(name string) uint64 { return maphash.String(callerSeed, name) }

// caller is what is remembered of one caller at one model server.
type caller struct {
	id       uint64
	seen     time.Time // the last sign of it: an answer that began, or an outcome
	flowing  int       // answers that have begun and not ended
	outcomes uint32    // the last ones, the newest lowest; 1: a failure
	n        int       // how many there are
}

// failures returns how many of the remembered requests have failed.
func (c *caller) failures() int { return bits.OnesCount32(c.outcomes) }

// active reports whether the caller counts among those who use the server: an
// answer to it is coming, or the last sign of it is not long ago.
func (c *caller) active(now time.Time) bool {
	return c.flowing > 0 || !c.seen.IsZero() && now.Sub(c.seen) < callerActive
}

// failing reports whether the caller's requests fail: as large a share of its own
// as the breaker tolerates of an only caller's.
func (c *caller) failing(o *BreakerOptions) bool {
	return c.outcomes != 0 && c.failures()*o.Outcomes >= o.Failures*c.n
}

// push adds an outcome.
func (c *caller) push(o *BreakerOptions, failed bool) {
	c.outcomes = c.outcomes << 1 & (1<<o.Outcomes - 1)
	if failed {
		c.outcomes |= 1
	}
	c.n = min(c.n+1, o.Outcomes)
}

// callers remembers who has lately used a model server, and how that ended. The
// zero value has nobody. The breaker's lock guards it.
type callers struct{ list []caller }

// index returns where the caller is in the list; -1: it is not.
func (c *callers) index(id uint64) int {
	return slices.IndexFunc(c.list, func(one caller) bool { return one.id == id })
}

// find returns a caller that is active; nil where it is not known, or was here too long ago.
func (c *callers) find(id uint64, now time.Time) *caller {
	if i := c.index(id); i >= 0 && c.list[i].active(now) {
		return &c.list[i]
	}
	return nil
}

// at returns the caller, of which nothing is remembered if it was not active. It is
// valid until the next call.
func (c *callers) at(id uint64, now time.Time) *caller {
	if one := c.find(id, now); one != nil {
		return one
	}
	i := c.index(id)
	if i < 0 {
		i = c.room(now)
	}
	c.list[i] = caller{id: id}
	return &c.list[i]
}

// room returns where a new caller goes: where one was that is no longer active, or
// else at the end; where there is no more, the least recent one is forgotten.
func (c *callers) room(now time.Time) int {
	least := -1
	for i := range c.list {
		if !c.list[i].active(now) {
			return i
		}
		if least < 0 || c.list[i].staler(&c.list[least]) {
			least = i
		}
	}
	if len(c.list) == callersMax {
		return least
	}
	c.list = append(c.list, caller{})
	return len(c.list) - 1
}

// staler reports whether c is forgotten before other: one to which no answer is coming,
// and the less recent one of two.
func (c *caller) staler(other *caller) bool {
	if (c.flowing > 0) != (other.flowing > 0) {
		return other.flowing > 0
	}
	return c.seen.Before(other.seen)
}

// flows notes that an answer to the caller has begun.
func (c *callers) flows(id uint64, now time.Time) {
	one := c.at(id, now)
	one.seen = now
	one.flowing++
}

// ebbs notes that it has ended. Of a caller that was forgotten meanwhile it says nothing.
func (c *callers) ebbs(id uint64) {
	if i := c.index(id); i >= 0 && c.list[i].flowing > 0 {
		c.list[i].flowing--
	}
}

// counts returns the number of active callers, of those whose requests fail, and of the failed
// requests of these.
func (c *callers) counts(o *BreakerOptions, now time.Time) (active, failing, failures int) {
	for i := range c.list {
		switch one := &c.list[i]; {
		case !one.active(now):
		case one.failing(o):
			failing++
			failures += one.failures()
			fallthrough
		default:
			active++
		}
	}
	return active, failing, failures
}

// forgive forgets how requests have ended, but not whose they were.
func (c *callers) forgive() {
	for i := range c.list {
		c.list[i].outcomes, c.list[i].n = 0, 0
	}
}
