package limittest

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// shortRing is the mistake that the judge must find: a ring of slots that
// keeps only the window's length of them, so that what was charged late in a
// slot leaves up to a slot too early.
type shortRing struct {
	slots   map[int64]int64
	keep    int64
	maximum int64
}

func (r *shortRing) admit(now limit.Instant, cost int64) bool {
	slot := int64(now) / 1000
	sum := cost
	for s, v := range r.slots {
		if s > slot-r.keep {
			sum += v
		}
	}
	if sum > r.maximum {
		return false
	}
	r.slots[slot] += cost
	return true
}

// TestJudge checks that the judge condemns a ring of B slots, and acquits one
// of B+1, on the arrivals that every store must stand.
func TestJudge(t *testing.T) {
	for keep, guilty := range map[int64]bool{60: true, 61: false} {
		var heaviest int64
		for _, arrivals := range adversaries() {
			clock := NewClock()
			r := &shortRing{slots: map[int64]int64{}, keep: keep, maximum: 1000}
			log := drive(arrivals, clock, func(cost int64) bool { return r.admit(clock.Now(), cost) })
			heaviest = max(heaviest, heaviestWindow(log, time.Minute))
		}
		if (heaviest > 1000) != guilty {
			t.Errorf("with %d slots the heaviest minute carries %d of 1000", keep, heaviest)
		}
	}
}

func TestHeaviestWindow(t *testing.T) {
	log := []charged{{0, 5}, {59_999, 5}, {60_000, 5}, {60_000, 1}, {119_998, 9}, {200_000, 2}}
	if got := heaviestWindow(log, time.Minute); got != 20 {
		t.Errorf("the heaviest minute is %d, want 20", got)
	}
}
