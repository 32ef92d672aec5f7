package limittest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// testLateWindow adds a window of a day to accounts that count minutes already,
// while a request runs: the refund of that request is not taken out of what
// others have charged to the day, whose slots are half an hour wide.
func testLateWindow(t *testing.T, open Open) {
	minute := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 10_000}}
	both := append(minute[:1:1], limit.Limit{Meter: limit.Tokens, Window: limit.Day, Max: 100_000})
	before := Policy(t, limit.PolicyOptions{User: minute, Total: minute})
	after := Policy(t, limit.PolicyOptions{User: both, Total: both})
	for name, later := range map[string]time.Duration{"later": sec, "in the same millisecond": 0} {
		t.Run(name, func(t *testing.T) {
			s, clock := start(t, open)
			early := charged(t, s, before, 1000)
			clock.Advance(later)
			whole := charged(t, s, after, 1000)
			s.Settle(whole, limit.Amount{Output: 1000, Requests: 1})
			s.Settle(early, limit.Amount{Output: 10, Requests: 1})
			Flush(t, s)
			checkSums(t, s, after, 1010, 1000)

			clock.Advance(sec)
			s.Settle(charged(t, s, after, 500), limit.Amount{Output: 100, Requests: 1})
			Flush(t, s)
			checkSums(t, s, after, 1110, 1100)
		})
	}
	t.Run("more used than charged", func(t *testing.T) {
		s, clock := start(t, open)
		early := charged(t, s, before, 100)
		clock.Advance(sec)
		charged(t, s, after, 1000)
		s.Settle(early, limit.Amount{Output: 150, Requests: 1})
		Flush(t, s)
		checkSums(t, s, after, 1150, 1050)
	})
}

// testShorterWindow adds a window of a minute to accounts that count days: its
// slots end long before those of the day, and what they hold leaves with them.
func testShorterWindow(t *testing.T, open Open) {
	day := []limit.Limit{{Meter: limit.Tokens, Window: limit.Day, Max: 100_000}}
	both := append(day[:1:1], limit.Limit{Meter: limit.Tokens, Window: limit.Minute, Max: 10_000})
	before := Policy(t, limit.PolicyOptions{User: day, Total: day})
	after := Policy(t, limit.PolicyOptions{User: both, Total: both})
	s, clock := start(t, open)
	charged(t, s, before, 1000)
	clock.Advance(sec)
	charged(t, s, after, 500)
	checkSums(t, s, after, 500, 1500)
	clock.Advance(sec)
	charged(t, s, after, 50)
	clock.Advance(60 * sec)
	checkSums(t, s, after, 50, 1550)
	clock.Advance(sec)
	checkSums(t, s, after, 0, 1550)
}

// charged reserves n output tokens for the user u, which must be admitted.
func charged(t *testing.T, s limit.Store, p *limit.Policy, n int64) *limit.Grant {
	t.Helper()
	var g limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "u", limit.Amount{Output: n, Requests: 1}, &g, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	return &g
}

// checkSums compares what the minute and the day have, of the user u and of
// the model.
func checkSums(t *testing.T, s limit.Store, p *limit.Policy, minute, day int64) {
	t.Helper()
	if diff := cmp.Diff([]int64{minute, day, minute, day}, viewed(t, s, p, "u").sums); diff != "" {
		t.Errorf("the sums of minute and day, of the user and of the model (-want +got):\n%s", diff)
	}
}

// testTopUpOfClosed tops up what is settled, and what never was admitted:
// nobody would give it back.
func testTopUpOfClosed(t *testing.T, open Open) {
	s, _ := start(t, open)
	p := Policy(t, perMinute)
	settled, never := charged(t, s, p, 100), &limit.Grant{}
	s.Settle(settled, limit.Amount{Output: 40, Requests: 1})
	Flush(t, s)
	for name, g := range map[string]*limit.Grant{"settled": settled, "never admitted": never} {
		got, err := s.TopUp(t.Context(), g, limit.Amount{Output: 10}, limit.WithinDebt)
		if err != nil || got != (limit.TopUp{}) {
			t.Errorf("%s: %+v, %v; want refused", name, got, err)
		}
	}
	if got := viewed(t, s, p, "u"); got.sums[0] != 40 || got.held[0] != 0 {
		t.Errorf("used %d, held %d; want 40, 0", got.sums[0], got.held[0])
	}
}
