package limit

import (
	"testing"
	"time"
)

func TestWindowLengths(t *testing.T) {
	for w, want := range map[Window]time.Duration{Minute: time.Minute, Hour: time.Hour, Day: 24 * time.Hour} {
		if got := w.Length(); got != want {
			t.Errorf("a %s is %s long, want %s", w, got, want)
		}
	}
}

// TestInstants: moments and times of the clock on the wall are the same to the millisecond,
// and what is added is what lies between.
func TestInstants(t *testing.T) {
	wall := time.Date(2023, 11, 14, 22, 13, 20, 123_456_789, time.UTC)
	const at Instant = 1_700_000_000_123
	if got := InstantOf(wall); got != at || !at.Time().Equal(wall.Truncate(time.Millisecond)) {
		t.Errorf("it is %d, which is %v", got, at.Time())
	}
	for _, d := range []time.Duration{0, time.Millisecond, -time.Millisecond, time.Hour, -24 * time.Hour} {
		if later := at.Add(d); later.Sub(at) != d || at.Sub(later) != -d || !later.Time().Equal(at.Time().Add(d)) {
			t.Errorf("%v after %v it is %v", d, at.Time(), later.Time())
		}
	}
	if got := at.Add(1999 * time.Microsecond); got != at+1 {
		t.Errorf("parts of a millisecond count: %d", got-at)
	}
}
