package proxy

import (
	"testing"
	"time"
)

func TestAhead(t *testing.T) {
	for _, tt := range []struct {
		name                string
		used, granted, most int64
		decoding            time.Duration
		want                int64
	}{
		{"nothing is known of the pace", 0, 100, 0, time.Second, 0},
		{"the next second is covered", 100, 151, 0, 2 * time.Second, 0},
		{"two seconds at once", 100, 149, 0, 2 * time.Second, 100},
		{"no fewer than a few", 4, 5, 0, 2 * time.Second, topUpMin},
		{"an eighth of a long stream", 1000, 1005, 0, 100 * time.Second, 125},
		{"no more than so many", 100_000, 100_005, 0, 1000 * time.Second, topUpMax},
		{"no more than there can be", 100, 149, 160, 2 * time.Second, 11},
		{"nothing where all is granted", 100, 149, 149, 2 * time.Second, 0},
	} {
		if got := ahead(tt.used, tt.granted, tt.most, tt.decoding); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestChargesOfALongStream: an hour of a stream at ten tokens a second is charged
// in few parts, of which none is much ahead of it.
func TestChargesOfALongStream(t *testing.T) {
	const pace, hour = 10, 3600
	charges, granted := 1, int64(100)
	for second := int64(1); second <= hour; second++ {
		used := second * pace
		if n := ahead(used, granted, 0, time.Duration(second)*time.Second); n > 0 {
			charges++
			granted += n
		}
		if over := granted - used; over < 0 || over > topUpMax+pace {
			t.Fatalf("after %d s %d are granted, %d used", second, granted, used)
		}
	}
	if charges > 100 {
		t.Errorf("it has %d charges", charges)
	}
}
