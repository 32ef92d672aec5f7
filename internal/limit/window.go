package limit

import "time"

// Instant is a moment in the store's own time, in milliseconds since the Unix
// epoch. Replicas' clocks never become Instants unless the store is in their
// memory.
type Instant int64

// Add returns t + d, with d cut to whole milliseconds.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d/time.Millisecond) }

// Sub returns t - u.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Time returns t as a wall-clock time, in UTC.
func (t Instant) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// InstantOf returns the Instant of a wall-clock time.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Window is the rolling length of time that a limit applies to. The zero
// value is Minute.
type Window uint8

// The windows.
const (
	Minute  Window = iota // 60 slots of 1 s
	Hour                  // 60 slots of 1 min
	Day                   // 48 slots of 30 min
	windows = iota
)

// Windows are all of them.
var Windows = [windows]Window{Minute, Hour, Day}

// windowShapes has, per window, its name, the width of a slot in milliseconds
// and the number of slots B that make up its length. Rings keep B+1. Each width
// is a multiple of those before it.
var windowShapes = [windows]struct {
	name  string
	width Instant
	slots int64
}{
	Minute: {"minute", 1000, 60},
	Hour:   {"hour", 60_000, 60},
	Day:    {"day", 1_800_000, 48},
}

// String returns "minute", "hour" or "day".
func (w Window) String() string { return windowShapes[w].name }

// Length returns the rolling length of w.
func (w Window) Length() time.Duration {
	s := windowShapes[w]
	return time.Duration(int64(s.width)*s.slots) * time.Millisecond
}

// Slots returns B, the number of slots that make up the length of w. A ring
// keeps the current slot and B before it.
func (w Window) Slots() int { return int(windowShapes[w].slots) }

// SlotWidth returns the width of one slot of w.
func (w Window) SlotWidth() time.Duration {
	return time.Duration(windowShapes[w].width) * time.Millisecond
}
