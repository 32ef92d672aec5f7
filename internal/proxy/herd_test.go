package proxy

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// crowdOf has n clients denied, spread over a time, all for the same moment:
// until comes, and returns how many come back in the busiest second. Clients
// come back on the whole seconds that Retry-After has.
func crowdOf(random *rand.Rand, n int, over, until time.Duration) (busiest int) {
	var h herd
	begin := time.Unix(1_700_000_000, 0)
	back := map[time.Duration]int{}
	for i := range n {
		at := over * time.Duration(i) / time.Duration(n)
		if i == 0 {
			h.crowd("m", begin).fraction = random.Float64()
		}
		wait := h.spread("m", until-at, begin.Add(at))
		told := (wait + time.Second - 1).Truncate(time.Second)
		second := (at + told).Truncate(time.Second)
		back[second]++
		busiest = max(busiest, back[second])
	}
	return busiest
}

// TestCrowd: no second carries more than a tenth of a thousand clients or more,
// whatever they wait for, and wherever the spread begins.
func TestCrowd(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n, repeats := range map[int]int{1000: 60, 3000: 5} {
		for _, over := range []time.Duration{0, time.Second, 10 * time.Second, 50 * time.Second} {
			for _, until := range []time.Duration{51 * time.Second, time.Minute, 61 * time.Second, 20 * time.Minute, time.Hour, 24 * time.Hour} {
				for range repeats {
					if got := crowdOf(random, n, over, until); got > n/10 {
						t.Fatalf("of %d clients, denied within %v of %v, %d come back in one second", n, over, until, got)
					}
				}
			}
		}
	}
}

// TestLoneClient: the fewer there are, the less they wait beyond what they must.
func TestLoneClient(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for range 200 {
		for _, wait := range []time.Duration{time.Millisecond, 10 * time.Second, time.Minute, time.Hour} {
			var h herd
			if extra := h.spread("m", wait, now) - wait; extra < 0 || extra >= max(2*time.Second, wait/10) {
				t.Fatalf("a lone client that must wait %v waits %v more", wait, extra)
			}
		}
	}
	var h herd
	for range 500 {
		h.spread("m", time.Second, now)
	}
	for _, tt := range []struct {
		later time.Duration
		model string
		crowd bool
	}{{30 * time.Second, "m", true}, {30 * time.Second, "other", false}, {61 * time.Second, "m", true}, {10 * time.Minute, "m", false}} {
		if n, _ := h.join(tt.model, now.Add(tt.later)); (n > 100) != tt.crowd {
			t.Errorf("%v after a crowd of m, %d clients of %s count", tt.later, n, tt.model)
		}
	}
}

// TestHerdForgets: crowds of models that nobody was denied on of late make room
// when one comes.
func TestHerdForgets(t *testing.T) {
	var h herd
	now := time.Unix(1_700_000_000, 0)
	for i := range 1000 {
		h.spread(fmt.Sprint("model-", i), time.Second, now)
		now = now.Add(crowdInterval)
	}
	if n := len(h.models); n > 3 {
		t.Errorf("there are %d crowds", n)
	}
}
