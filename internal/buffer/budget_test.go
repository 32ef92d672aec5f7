package buffer

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// client notes that it was cut off.
type client struct {
	name string
	list *[]string
}

func (c client) CutOff() {
	if c.list != nil {
		*c.list = append(*c.list, c.name)
	}
}

// holding returns shares of so many blocks each, that have been waited for so long; 0:
// they are not.
func holding(t *testing.T, b *Budget, cut *[]string, blocks int64, waited ...time.Duration) []*Share {
	t.Helper()
	var all []*Share
	for i, d := range waited {
		s := new(Share)
		s.Begin(b, client{string(rune('a' + i)), cut})
		if !s.Cover(blocks * blockBytes) {
			t.Fatalf("there is no room for share %d", i)
		}
		if d > 0 {
			s.Wait(time.Now().Add(-d))
		}
		all = append(all, s)
	}
	return all
}

// TestSlowestFirst: the slowest are cut off, no more of them than needed, and none where
// that would not be enough or they have not been waited for long.
func TestSlowestFirst(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		waited []time.Duration
		need   int64 // blocks
		cut    []string
		fits   bool
	}{
		"nobody waits":             {[]time.Duration{0, 0, 0, 0}, 1, nil, false},
		"nobody waits for long":    {[]time.Duration{s / 10, s / 10, s / 10, s / 10}, 1, nil, false},
		"the slowest is enough":    {[]time.Duration{s, 3 * s, 2 * s, 0}, 2, []string{"b"}, true},
		"two of them":              {[]time.Duration{s, 3 * s, 2 * s, 0}, 3, []string{"b", "c"}, true},
		"all that are slow":        {[]time.Duration{s, 3 * s, 2 * s, s / 10}, 6, []string{"b", "c", "a"}, true},
		"all would not be enough":  {[]time.Duration{s, 3 * s, 2 * s, 0}, 7, nil, false},
		"more than there is":       {[]time.Duration{s, s, s, s}, 9, nil, false},
		"everything that there is": {[]time.Duration{4 * s, 3 * s, 2 * s, s}, 8, []string{"a", "b", "c", "d"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var cut []string
			b := NewBudget(8 * blockBytes)
			shares := holding(t, b, &cut, 2, tt.waited...)
			var late Share
			late.Begin(b, client{})
			if got := late.Cover(tt.need * blockBytes); got != tt.fits || !slices.Equal(cut, tt.cut) {
				t.Errorf("fits: %v, cut off: %v; want %v and %v", got, cut, tt.fits, tt.cut)
			}
			if int64(len(cut)) != b.CutOff() || (b.Refused() == 0) != tt.fits || b.Held() > b.Most() {
				t.Errorf("%d were cut off, %d refused, %d bytes held", b.CutOff(), b.Refused(), b.Held())
			}
			for i, s := range shares {
				was := slices.Contains(cut, string(rune('a'+i)))
				if s.WasCut() != was || s.Cover(1) == was {
					t.Errorf("share %d: cut off %v, want %v", i, s.WasCut(), was)
				}
				s.Shrink(0)
				s.End()
			}
			if late.End(); b.Held() != 0 {
				t.Errorf("%d bytes are held by nobody", b.Held())
			}
		})
	}
}

// TestBodiesLeaveRoom: large bodies fill three quarters, and what is small has the rest.
func TestBodiesLeaveRoom(t *testing.T) {
	b := NewBudget(8 << 20)
	var large, another, small Share
	for _, s := range []*Share{&large, &another, &small} {
		s.Begin(b, client{})
	}
	if !large.CoverBody(6<<20) || large.CoverBody(6<<20+1) || another.CoverBody(smallBytes+1) {
		t.Error("large bodies do not fill three quarters exactly")
	}
	if !small.CoverBody(smallBytes) || !another.Cover(1<<20) {
		t.Error("there is no room for what is small, or an answer")
	}
}

// TestNoBudget: without a bound everything fits, also into a share that has not begun.
func TestNoBudget(t *testing.T) {
	var s Share
	if !s.Cover(1<<40) || !s.CoverBody(1<<40) {
		t.Error("a share of no budget is bounded")
	}
	s.Begin(NewBudget(0), client{})
	if !s.CoverBody(1 << 40) {
		t.Error("a budget of 0 bounds")
	}
	s.End()
}

// cutting is a client that gives up what is held for it when it is cut off.
type cutting struct{ cut atomic.Bool }

func (c *cutting) CutOff() { c.cut.Store(true) }

// TestBudgetHolds: whatever many do at once, the sum of what they may hold is
// never above the bound, and nothing is left in the end.
func TestBudgetHolds(t *testing.T) {
	const workers, most = 8, 20 * blockBytes // fewer than one may ask for
	b := NewBudget(most)
	var held atomic.Int64 // by those who were not cut off, at the least
	var all sync.WaitGroup
	for seed := range uint64(workers) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3))
			for range 3000 {
				one(t, r, b, &held, most)
			}
		})
	}
	all.Wait()
	if b.Held() != 0 || len(b.shares) != 0 {
		t.Errorf("%d bytes are held by nobody", b.Held())
	}
	if b.Refused() == 0 { // whether somebody is cut off depends on time: TestSlowestFirst
		t.Error("nothing was refused: the test tests nothing")
	}
}

// one holds something for a while, in which others come in between.
func one(t *testing.T, r *rand.Rand, b *Budget, held *atomic.Int64, most int64) {
	var s Share
	c := new(cutting)
	s.Begin(b, c)
	defer s.End()
	if r.IntN(4) == 0 { // may be cut off at any time: its bytes count as given back
		s.Cover(r.Int64N(16 * blockBytes))
		s.Wait(time.Now().Add(-time.Duration(1+r.IntN(9)) * time.Second))
		runtime.Gosched()
		s.Cover(r.Int64N(24 * blockBytes))
		s.Shrink(r.Int64N(16 * blockBytes))
		return
	}
	mine := int64(0)
	for range 4 {
		if n := r.Int64N(16 * blockBytes); s.Cover(n) && n > mine {
			if now := held.Add(n - mine); now > most {
				t.Errorf("%d bytes are held of %d", now, most)
			}
			mine = n
		} else if n < mine {
			held.Add(n - mine)
			mine = n
			s.Shrink(n)
		}
		runtime.Gosched()
	}
	held.Add(-mine)
	if s.WasCut() || c.cut.Load() {
		t.Error("one was cut off that nobody waits for")
	}
}

func BenchmarkShare(b *testing.B) {
	budget := NewBudget(1 << 30)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var s Share
		for p.Next() {
			s.Begin(budget, nil)
			s.Cover(5000)
			s.End()
		}
	})
}
