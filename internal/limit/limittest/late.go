package limittest

import (
	"slices"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// policies returns a policy with the first of two limits, and one with both, of users and
// of the model alike.
func (f *fixture) policies(first, second limit.Limit) (before, after *limit.Policy) {
	one, both := []limit.Limit{first}, []limit.Limit{first, second}
	return Policy(f, limit.PolicyOptions{User: one, Total: one}),
		Policy(f, limit.PolicyOptions{User: both, Total: both})
}

// lateWindow are policies that add a window of a day to accounts that count minutes.
func (f *fixture) lateWindow() (before, after *limit.Policy) {
	return f.policies(tokens(limit.Minute, 10_000), tokens(limit.Day, 100_000))
}

// testLateWindow adds a window of a day to accounts that count minutes already,
// while a request runs: the refund of that request is not taken out of what
// others have charged to the day, whose slots are half an hour wide.
func (f *fixture) testLateWindow(later time.Duration) {
	before, after := f.lateWindow()
	early := f.charged(before, "u", output(1000))
	f.clock.Advance(later)
	f.Settle(f.charged(after, "u", output(1000)), output(1000))
	f.settle(early, output(10))
	f.checkBoth(after, 1010, 1000)

	f.clock.Advance(sec)
	f.settle(f.charged(after, "u", output(500)), output(100))
	f.checkBoth(after, 1110, 1100)
}

// testLateWindowExceeded is testLateWindow with a request that has used more than it was
// charged.
func (f *fixture) testLateWindowExceeded() {
	before, after := f.lateWindow()
	early := f.charged(before, "u", output(100))
	f.clock.Advance(sec)
	f.charged(after, "u", output(1000))
	f.settle(early, output(150))
	f.checkBoth(after, 1150, 1050)
}

// testShorterWindow adds a window of a minute to accounts that count days: its
// slots end long before those of the day, and what they hold leaves with them.
func (f *fixture) testShorterWindow() {
	before, after := f.policies(tokens(limit.Day, 100_000), tokens(limit.Minute, 10_000))
	f.charged(before, "u", output(1000))
	f.clock.Advance(sec)
	f.charged(after, "u", output(500))
	f.checkBoth(after, 500, 1500)
	f.clock.Advance(sec)
	f.charged(after, "u", output(50))
	f.clock.Advance(60 * sec)
	f.checkBoth(after, 50, 1550)
	f.clock.Advance(sec)
	f.checkBoth(after, 0, 1550)
}

// checkBoth compares what the minute and the day have, of the user u and of
// the model.
func (f *fixture) checkBoth(p *limit.Policy, minute, day int64) {
	f.Helper()
	got, want := viewed(f.view(p, "u")).sums, []int64{minute, day, minute, day}
	if !slices.Equal(got, want) {
		f.Errorf("the sums of minute and day, of the user and of the model: %v, want %v", got, want)
	}
}

// testTopUpOfClosed tops up what is settled, and what never was admitted:
// nobody would give it back.
func (f *fixture) testTopUpOfClosed() {
	p := Policy(f, perMinute)
	settled := f.charged(p, "u", output(100))
	f.settle(settled, output(40))
	for name, g := range map[string]*limit.Grant{"settled": settled, "never admitted": {}} {
		if got := f.topUp(g, output(10), limit.WithinDebt); got != (limit.TopUp{}) {
			f.Errorf("%s: %+v; want refused", name, got)
		}
	}
	f.checkUsed(p, "u", []int64{40}, []int64{0}, 0)
}
