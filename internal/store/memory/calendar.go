package memory

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// calendar keeps the accounts of a model by the moment at which nothing of them
// counts any more, so that one that is idle is found without a search. Each account
// stands where its last settlement has put it; while requests of it run it may stand
// too early, or nowhere.
//
// An account moves only when its moment does, which is once per slot of its widest
// window: nearly no decision touches the calendar. There are no more moments to come
// than windows have slots, some 170, and no more that have passed than idle accounts.
//
// The model's lock guards it, except next. The zero value is not usable; see open.
type calendar struct {
	at      map[limit.Instant]*seat // the first of those of a moment, in a ring
	moments []limit.Instant         // the keys of at, in order, and never
	// next is the first of the moments. Others may read it without the lock, to see
	// whether a look is worth while.
	next atomic.Int64
}

const (
	never = math.MaxInt64 // no moment
	ever  = never - 1     // the last one
)

func (c *calendar) open() {
	c.at, c.moments = map[limit.Instant]*seat{}, []limit.Instant{never}
	c.next.Store(never)
}

// put moves e to a moment, behind those who stand there, from wherever it stood; 0 is
// for accounts in which nothing counts now.
func (c *calendar) put(e *seat, at limit.Instant) {
	if e.in != nil {
		if e.in == c && e.at == at {
			return
		}
		e.in.remove(e)
	}
	e.in, e.at = c, at
	first := c.at[at]
	if first == nil {
		e.prev, e.next = e, e
		c.begin(at, e)
		return
	}
	e.prev, e.next = first.prev, first
	e.prev.next, e.next.prev = e, e
}

// remove takes e out.
func (c *calendar) remove(e *seat) {
	switch {
	case e.next == e:
		c.end(e.at)
	case c.at[e.at] == e:
		c.at[e.at] = e.next
		fallthrough
	default:
		e.prev.next, e.next.prev = e.next, e.prev
	}
	e.prev, e.next, e.in = nil, nil, nil
}

// begin adds a moment, with its first account.
func (c *calendar) begin(at limit.Instant, e *seat) {
	c.at[at] = e
	i, _ := slices.BinarySearch(c.moments, at)
	c.moments = slices.Insert(c.moments, i, at)
	c.next.Store(int64(c.moments[0]))
}

// end removes a moment at which nobody stands any more.
func (c *calendar) end(at limit.Instant) {
	delete(c.at, at)
	i, _ := slices.BinarySearch(c.moments, at)
	c.moments = slices.Delete(c.moments, i, i+1)
	c.next.Store(int64(c.moments[0]))
}

// first returns the account whose moment is the first, and not after till; nil where there
// is none.
func (c *calendar) first(till limit.Instant) *seat {
	if c.moments[0] > till {
		return nil
	}
	return c.at[c.moments[0]]
}
