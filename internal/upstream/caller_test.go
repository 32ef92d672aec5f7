package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// day is when the breaker's tests begin.
var day = time.Unix(1_000_000_000, 0)

// outcomesOf lets requests of several callers end, "a" and "A" being a's: a small
// letter goes well, a capital one fails. It returns when the breaker was open.
func outcomesOf(b *breaker, now time.Time, outcomes string) (opened int) {
	for i, o := range outcomes {
		failed := o >= 'A' && o <= 'Z'
		id := uint64(o)
		if failed {
			id += 'a' - 'A'
		}
		b.record(now, b.epoch.Load(), id, failed)
		if b.current() == BreakerOpen {
			return i + 1
		}
	}
	return 0
}

// TestCondemned: whose requests fail, and whether that opens the breaker, at which
// outcome.
func TestCondemned(t *testing.T) {
	for _, tt := range []struct {
		name, outcomes string
		opened         int // at which outcome; 0: never
	}{
		{"an only caller", "AAAAA", 5},
		{"an only caller's every second", "aAaAaAaAaA", 10},
		{"one of two, however often", "bAAAAAAAAAAAAAAAAAAAAAAAAbAAAAAAAAAAAAAAAAAAAA", 0},
		{"one of two, who came later", "AAAAbAAAAAAAAAAAA", 0},
		{"both", "aabbABABABABAB", 9},
		{"both, who are new", "ABABA", 5},
		{"one of three", "bcAAAAAAAAAAbcAAAAAAAAAAAAA", 0},
		{"two of three", "cAABBAB", 6},
		{"two of four", "cdABABA", 7},
		{"two of five", "cdeABABABABABABABABAB", 0},
		{"three of five", "deABCABC", 7},
		{"five who have one request each", "ABCDE", 5},
		{"four who have one request each", "ABCD", 0},
		{"half, of whom one has sent most", "cccccccccccccccdddddABAABBBB", 25},
		{"who has failed long ago is well", "AAAAbaaaaaaaaaaBBBBBBBBB", 0},
	} {
		b := breaker{options: BreakerOptions{}.withDefaults()}
		if got := outcomesOf(&b, day, tt.outcomes); got != tt.opened {
			t.Errorf("%s (%s): it opens at the outcome %d, want %d", tt.name, tt.outcomes, got, tt.opened)
		}
	}
}

// TestWhoIsActive: who has gone does not speak for the server, and to whom an answer
// is coming does.
func TestWhoIsActive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(b *breaker)
		after  time.Duration
		opens  bool
	}{
		{"lately", func(b *breaker) { outcomesOf(b, day, "b") }, callerActive - 1, false},
		{"long ago", func(b *breaker) { outcomesOf(b, day, "b") }, callerActive, true},
		{"a stream that is coming", func(b *breaker) { b.flows(day, 'b') }, time.Hour, false},
		{"a stream that has ended", func(b *breaker) {
			b.flows(day, 'b')
			b.end('b', passing, true)
		}, time.Hour, true},
	} {
		b := breaker{options: BreakerOptions{}.withDefaults()}
		tt.before(&b)
		if opened := outcomesOf(&b, day.Add(tt.after), "AAAAAAAAAA") > 0; opened != tt.opens {
			t.Errorf("%s: it opens: %v, want %v", tt.name, opened, tt.opens)
		}
	}
}

// TestTurnsOfOthers: an open breaker makes those wait whose requests have failed, and
// others find out for themselves.
func TestTurnsOfOthers(t *testing.T) {
	b := breaker{options: BreakerOptions{}.withDefaults()}
	may := func(at time.Duration, id uint64, alone bool, want way) {
		t.Helper()
		if how, _ := b.pass(day.Add(at), id, alone); how != want {
			t.Fatalf("at %v %c passes %d, want %d", at, rune(id), how, want)
		}
	}
	state := func(want BreakerState) {
		t.Helper()
		if b.current() != want {
			t.Fatalf("it is %v, want %v", b.current(), want)
		}
	}
	outcomesOf(&b, day, "AAAAA")
	may(0, 'a', true, barred)
	may(0, 'b', false, barred) // there are others to ask
	may(0, 'b', true, trying)
	epoch := b.begin(trying)
	state(BreakerHalfOpen)
	may(4*time.Second, 'a', true, barred)
	may(5*time.Second, 'a', true, passing)
	b.flows(day.Add(5*time.Second), 'b') // b's answer is coming
	b.record(day.Add(5*time.Second), b.epoch.Load(), 'a', true)
	state(BreakerHalfOpen) // that a fails is no news
	may(9*time.Second, 'a', true, barred)
	may(9*time.Second, 'c', false, passing) // c takes the turn that a must not
	may(9*time.Second, 'c', false, barred)
	b.end('b', trying, true)
	b.record(day.Add(9*time.Second), epoch, 'b', false)
	state(BreakerClosed)
	if n := outcomesOf(&b, day.Add(10*time.Second), "AAAAAAAAAAAAAAA"); n != 0 {
		t.Errorf("a opens it beside b, at the outcome %d", n)
	}
	if b.trials != 0 {
		t.Errorf("%d trials are counted at the end", b.trials)
	}
}

// TestTrialsAreBounded: nobody who may try without a turn holds more than so many
// requests at a server that may be broken.
func TestTrialsAreBounded(t *testing.T) {
	b := breaker{options: BreakerOptions{}.withDefaults()}
	outcomesOf(&b, day, "AAAAA")
	for i := range 3 * trialsMax {
		id := uint64(1000 + i)
		how, _ := b.pass(day, id, true)
		if (how == trying) != (i < trialsMax) {
			t.Fatalf("the trial %d: %d", i, how)
		}
		if how != barred {
			b.begin(how)
		}
	}
	for i := range trialsMax {
		b.end(uint64(1000+i), trying, false)
	}
	if how, _ := b.pass(day, 'c', true); how != trying {
		t.Error("ended trials make no room for others")
	}
}

// TestCallersAreBounded: whatever names there are, few are remembered, and those to
// whom answers are coming longest.
func TestCallersAreBounded(t *testing.T) {
	var c callers
	c.flows(1, day)
	for i := range 100_000 {
		c.at(uint64(2+i), day.Add(time.Duration(i))).seen = day.Add(time.Duration(i))
	}
	if len(c.list) > callersMax || c.find(1, day) == nil || c.find(100_001, day) == nil {
		t.Errorf("%d callers are remembered, the first: %v, the last: %v", len(c.list), c.find(1, day), c.find(100_001, day))
	}
}

// TestOneCallerCondemnsNobody plays random histories in which the requests of some
// callers fail, however many they send, and those of the others go well. While more than half of the active callers'
// requests go well the breaker stays closed; where all fail it opens, at the latest
// when every caller has failed as often as the breaker tolerates.
func TestOneCallerCondemnsNobody(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 5))
		o := BreakerOptions{Outcomes: 1 + random.IntN(32)}
		o.Failures = 1 + random.IntN(o.Outcomes)
		o = o.withDefaults()
		callers := 1 + random.IntN(9)
		hostile := random.IntN(callers + 1)
		well := 2*(callers-hostile) > callers
		b := breaker{options: o}
		for id := range callers { // all are active
			if b.record(day, b.epoch.Load(), uint64(id), id < hostile && o.Failures > callers); b.current() != BreakerClosed {
				t.Fatalf("seed %d: it is open before anything", seed)
			}
		}
		pace := 1 + random.IntN(20) // of the hostile
		failed, failures := make([]int, callers), 0
		for i := range 1000 {
			id := random.IntN(callers)
			if hostile > 0 && i%pace != 0 {
				id = random.IntN(hostile)
			}
			bad := id < hostile
			if bad {
				failures++
				failed[id]++
			}
			b.record(day.Add(time.Duration(i)*time.Millisecond), b.epoch.Load(), uint64(id), bad)
			open := b.current() == BreakerOpen
			if open && well {
				t.Fatalf("seed %d: %d of %d callers fail, and the breaker opens", seed, hostile, callers)
			}
			if open {
				break
			}
			if hostile == callers && failures >= o.Failures && slices.Min(failed) >= o.Outcomes {
				t.Fatalf("seed %d: all of %d callers fail, %v times, and the breaker (%+v) stays closed", seed, callers, failed, o)
			}
		}
	}
}

// TestNamesAreHashed: callers are told apart, and those without a name are one.
func TestNamesAreHashed(t *testing.T) {
	seen := map[uint64]bool{}
	for i := range 1000 {
		seen[callerID(fmt.Sprint("user", i))] = true
	}
	if nameless := callerID(""); len(seen) != 1000 || seen[nameless] || nameless != callerID(Request{}.Caller) {
		t.Errorf("%d of 1000 names are told apart", len(seen))
	}
}
