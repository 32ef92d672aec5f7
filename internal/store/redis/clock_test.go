package redis

import (
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
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

// TestDeniedAfterAStepBack: who is only denied after a step back of the server's clock
// grows older all the same, and so do the charges of the model.
func TestDeniedAfterAStepBack(t *testing.T) {
	limits := []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1000}}
	p := limittest.Policy(t, limit.PolicyOptions{User: limits, Total: limits})
	for name, deny := range map[string]func(s *Store, g *limit.Grant) (granted bool, err error){
		"a reservation": func(s *Store, _ *limit.Grant) (bool, error) {
			var g limit.Grant
			var d limit.Decision
			err := s.Reserve(t.Context(), p, "u", output(500), &g, &d)
			return d.Admitted, err
		},
		"a top-up": func(s *Store, g *limit.Grant) (bool, error) {
			got, err := s.TopUp(t.Context(), g, output(500), limit.WithinLimits)
			return got.Granted, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := limittest.NewClock()
			s := open(t, Options{Now: clock.Now, Timeout: patient, heartbeat: -1})
			clock.Set(time.Hour)
			g := mustReserve(t, s, p, "u", output(600))
			clock.Set(0)
			if granted, err := deny(s, g); granted || err != nil {
				t.Fatalf("granted: %v, %v; want denied", granted, err)
			}
			clock.Set(61 * time.Second)
			v, err := s.View(t.Context(), p, "u")
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range v.Windows {
				if w.Used+w.Reserved != 0 {
					t.Errorf("after a minute the window of the %s holds %d", w.Rule.Scope, w.Used+w.Reserved)
				}
			}
		})
	}
}
