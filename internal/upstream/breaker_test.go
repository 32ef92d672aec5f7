package upstream

import (
	"testing"
	"time"
)

// TestBreaker plays timelines: what happens to a server, and whether requests
// pass then.
func TestBreaker(t *testing.T) {
	const (
		good = "a request ends well"
		bad  = "a request fails"
		old  = "a request of an earlier state fails"
		aged = "a request of an earlier state ends well"
		lost = "nobody is there"
		here = "somebody is there"
		may  = "may pass"
		not  = "may not pass"
	)
	type step struct {
		at    time.Duration
		what  string
		times int // 0: once
		state BreakerState
	}
	for _, tt := range []struct {
		name    string
		options BreakerOptions
		steps   []step
	}{
		{"half of the last ten open it", BreakerOptions{}, []step{
			{0, bad, 4, BreakerClosed}, {0, may, 100, BreakerClosed}, {1, bad, 1, BreakerOpen}, {1, not, 1, BreakerOpen},
		}},
		{"what is long ago does not count", BreakerOptions{}, []step{
			{0, bad, 4, BreakerClosed}, {0, good, 10, BreakerClosed}, {0, bad, 4, BreakerClosed}, {0, good, 6, BreakerClosed}, {0, bad, 1, BreakerClosed},
		}},
		{"every second one is too many", BreakerOptions{}, []step{
			{0, good, 1, BreakerClosed}, {0, bad, 1, BreakerClosed}, {0, good, 1, BreakerClosed}, {0, bad, 1, BreakerClosed}, {0, good, 1, BreakerClosed},
			{0, bad, 1, BreakerClosed}, {0, good, 1, BreakerClosed}, {0, bad, 1, BreakerClosed}, {0, good, 1, BreakerClosed}, {0, bad, 1, BreakerOpen},
		}},
		{"one a second tries it, and the first to end well closes it", BreakerOptions{}, []step{
			{0, bad, 5, BreakerOpen}, {5*time.Second - 1, not, 1, BreakerOpen}, {5 * time.Second, may, 1, BreakerHalfOpen},
			{5 * time.Second, not, 9, BreakerHalfOpen}, {6 * time.Second, may, 1, BreakerHalfOpen}, {6 * time.Second, not, 1, BreakerHalfOpen},
			{7 * time.Second, good, 1, BreakerClosed}, {7 * time.Second, may, 99, BreakerClosed}, {7 * time.Second, bad, 4, BreakerClosed},
		}},
		{"a failed trial opens it again", BreakerOptions{}, []step{
			{0, bad, 5, BreakerOpen}, {5 * time.Second, may, 1, BreakerHalfOpen}, {8 * time.Second, bad, 1, BreakerOpen},
			{13*time.Second - 1, not, 1, BreakerOpen}, {13 * time.Second, may, 1, BreakerHalfOpen},
		}},
		{"a request says nothing about a later state", BreakerOptions{}, []step{
			{0, bad, 5, BreakerOpen}, {1, aged, 3, BreakerOpen}, {5 * time.Second, may, 1, BreakerHalfOpen},
			{6 * time.Second, aged, 1, BreakerHalfOpen}, {6 * time.Second, old, 1, BreakerHalfOpen},
			{6 * time.Second, good, 1, BreakerClosed}, {6 * time.Second, old, 9, BreakerClosed},
		}},
		{"a server that is away is not tried, and is back at once", BreakerOptions{}, []step{
			{0, lost, 1, BreakerOpen}, {time.Hour, not, 1, BreakerOpen}, {time.Hour, here, 1, BreakerClosed}, {time.Hour, may, 2, BreakerClosed},
		}},
		{"being there does not make up for failures", BreakerOptions{}, []step{
			{0, bad, 5, BreakerOpen}, {1, here, 1, BreakerOpen}, {1, not, 1, BreakerOpen},
		}},
		{"gone in a trial", BreakerOptions{}, []step{
			{0, bad, 5, BreakerOpen}, {5 * time.Second, may, 1, BreakerHalfOpen}, {5 * time.Second, lost, 2, BreakerOpen},
			{time.Minute, not, 1, BreakerOpen}, {time.Minute, here, 1, BreakerClosed},
		}},
		{"its options", BreakerOptions{Failures: 2, Outcomes: 3, Wait: time.Minute}, []step{
			{0, bad, 1, BreakerClosed}, {0, good, 2, BreakerClosed}, {0, bad, 1, BreakerClosed}, {0, bad, 1, BreakerOpen},
			{time.Minute - 1, not, 1, BreakerOpen}, {time.Minute, may, 1, BreakerHalfOpen},
		}},
		{"never by requests", BreakerOptions{Failures: -1}, []step{
			{0, bad, 100, BreakerClosed}, {0, lost, 1, BreakerOpen}, {1, here, 1, BreakerClosed},
		}},
		{"as long a memory as there is", BreakerOptions{Failures: 32, Outcomes: 99}, []step{
			{0, bad, 31, BreakerClosed}, {0, bad, 1, BreakerOpen},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Unix(1_000_000_000, 0)
			b := breaker{options: tt.options.withDefaults()}
			for i, s := range tt.steps {
				now := start.Add(s.at)
				for range max(1, s.times) {
					before := b.current()
					var changed, ok bool
					switch s.what {
					case good, bad:
						changed = b.record(now, b.epoch.Load(), 1, s.what == bad)
					case old, aged:
						changed = b.record(now, b.epoch.Load()-1, 1, s.what == old)
					case lost, here:
						changed = b.found(now, s.what == here)
					case may, not:
						could := b.lets(&Request{caller: 1}, now, true)
						var how way
						how, changed = b.pass(now, 1, true)
						if ok = how != barred; ok != (s.what == may) || could != ok {
							t.Fatalf("step %d: it passes: %v, could: %v; want: %s", i, ok, could, s.what)
						}
					}
					if changed != (b.current() != before) && s.what != lost {
						t.Fatalf("step %d: from %v to %v is told as changed: %v", i, before, b.current(), changed)
					}
				}
				if b.current() != s.state {
					t.Fatalf("step %d (%s): it is %v, want %v", i, s.what, b.current(), s.state)
				}
			}
		})
	}
}
