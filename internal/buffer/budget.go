package buffer

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// blockBytes is what shares are made of: they grow in such steps, so that
	// covering a little more costs nothing most of the time.
	blockBytes = 8 << 10
	// bodyShare is the part of a budget, three quarters, that request bodies may fill.
	// The rest is for what is small, and for answers: whoever sends large bodies that
	// a model works on for long keeps nobody else out.
	bodyShareOf, bodyShare = 4, 3
	// smallBytes is up to where the share of a request is not that of a large body.
	smallBytes = 256 << 10
	// slowAfter is how long somebody must have been waited for to be cut off: those
	// who are merely being served are not.
	slowAfter = 250 * time.Millisecond
	// lookAgainAfter is how soon the slowest are looked for again, where there were not
	// enough of them: a look goes through all shares.
	lookAgainAfter = 5 * time.Millisecond
)

// Budget is how many bytes may be held at once. It is safe for concurrent use. Use NewBudget.
type Budget struct {
	most   int64
	bodies int64 // what of it request bodies may fill

	used    atomic.Int64
	refused atomic.Int64
	cut     atomic.Int64

	mu        sync.Mutex
	shares    map[*Share]struct{} // all that have begun
	lookAgain time.Time
}

// NewBudget returns a budget of so many bytes; 0, and less, is none: everything fits.
func NewBudget(bytesMax int64) *Budget {
	if bytesMax <= 0 {
		bytesMax = math.MaxInt64 / 2
	}
	return &Budget{
		most: bytesMax, bodies: bytesMax / bodyShareOf * bodyShare, shares: map[*Share]struct{}{},
	}
}

// Most returns how many bytes may be held.
func (b *Budget) Most() int64 { return b.most }

// BodyMost returns the largest share that a request body can have, in bytes, when
// nothing else is held.
func (b *Budget) BodyMost() int64 { return b.bodies }

// Held returns how many bytes are held.
func (b *Budget) Held() int64 { return b.used.Load() }

// Refused returns how often bytes were refused to somebody.
func (b *Budget) Refused() int64 { return b.refused.Load() }

// CutOff returns how many were cut off.
func (b *Budget) CutOff() int64 { return b.cut.Load() }

// take takes n bytes, where not more than most are held then, and reports whether it has.
func (b *Budget) take(n, most int64) bool {
	return b.takeFree(n, most) || b.takeFromSlowest(n, most)
}

// takeFree is take as long as there is room.
func (b *Budget) takeFree(n, most int64) bool {
	for {
		used := b.used.Load()
		if used+n > most {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// takeFromSlowest is take for a budget that is used up.
func (b *Budget) takeFromSlowest(n, most int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for !b.takeFree(n, most) {
		if now.Before(b.lookAgain) || !b.cutSlowest(b.used.Load()+n-most, now) {
			b.refused.Add(1)
			return false
		}
	}
	return true
}

// cutSlowest cuts off the slowest until n bytes have become free, or nobody where they
// would not. The caller holds mu.
func (b *Budget) cutSlowest(n int64, now time.Time) bool {
	var free int64
	var slowest []*Share
	for s := range b.shares {
		if s.waitedFor(now) >= slowAfter {
			s.order = s.since.Load()
			free += s.held.Load()
			slowest = append(slowest, s)
		}
	}
	if free < n {
		b.lookAgain = now.Add(lookAgainAfter)
		return false
	}
	slices.SortFunc(slowest, func(x, y *Share) int { return cmp.Compare(x.order, y.order) })
	for _, s := range slowest {
		if n <= 0 {
			break
		}
		n -= s.cutOff()
		b.cut.Add(1)
	}
	return true
}
