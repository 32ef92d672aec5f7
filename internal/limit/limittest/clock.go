package limittest

import (
	"sync/atomic"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// Epoch is where the suite's clocks start: the first moment of a slot of
// every window.
const Epoch limit.Instant = 944_444 * 1_800_000

// Clock is a clock that stands still until it is moved. It is safe for
// concurrent use.
type Clock struct{ ms atomic.Int64 }

// NewClock returns a clock that shows Epoch.
func NewClock() *Clock {
	c := &Clock{}
	c.ms.Store(int64(Epoch))
	return c
}

// Now returns what the clock shows.
func (c *Clock) Now() limit.Instant { return limit.Instant(c.ms.Load()) }

// Set moves the clock to d after Epoch; backwards is allowed.
func (c *Clock) Set(d time.Duration) { c.ms.Store(int64(Epoch.Add(d))) }

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) { c.ms.Add(int64(d / time.Millisecond)) }
