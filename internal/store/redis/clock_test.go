package redis

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
)

// TestClockStepsBack charges after a step back of the server's clock: the
// account goes on from where it was, and everything keeps its age.
func TestClockStepsBack(t *testing.T) {
	clock := limittest.NewClock()
	s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
	p := minute(t, 1000)
	clock.Set(time.Hour)
	g := mustReserve(t, s, p, "u", output(600))
	for _, step := range []struct {
		at   time.Duration
		do   func()
		want standing
	}{
		{0, func() { mustReserve(t, s, p, "u", output(100)) }, standing{0, 700, 2}},
		{30 * time.Second, func() {}, standing{0, 700, 2}},
		{30 * time.Second, func() { s.Settle(g, output(500)); mustFlush(t, s) }, standing{500, 100, 1}},
		{61*time.Second - time.Millisecond, func() {}, standing{500, 100, 1}},
		{61 * time.Second, func() {}, standing{0, 0, 1}},
	} {
		clock.Set(step.at)
		step.do()
		mustStand(t, s, p, "u", step.want)
	}
}
