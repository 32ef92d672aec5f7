package redis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// TestServerClock runs the scripts as they are, with the server's time.
func TestServerClock(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	p := minute(t, 1000)
	before := limit.InstantOf(time.Now())
	var g, other limit.Grant
	var d limit.Decision
	if err := s.Reserve(t.Context(), p, "u", output(600), &g, &d); err != nil || !d.Admitted {
		t.Fatalf("Reserve: %v, %+v", err, d)
	}
	if after := limit.InstantOf(time.Now()); d.At < before || d.At > after || g.Charges[0].At[limit.UserScope] != d.At {
		t.Errorf("decided at %d and charged at %v, want between %d and %d", d.At, g.Charges[0].At, before, after)
	}
	if got, err := s.TopUp(t.Context(), &g, limit.Amount{Output: 300}, limit.WithinLimits); err != nil || !got.Granted {
		t.Errorf("TopUp: %+v, %v", got, err)
	}
	if err := s.Reserve(t.Context(), p, "u", output(200), &other, &d); err != nil || d.Admitted {
		t.Errorf("Reserve: %v, %+v, want denied", err, d)
	}
	if w := d.Violations[0].Wait; w < 58*time.Second || w > 61*time.Second {
		t.Errorf("the wait is %v, want about a minute", w)
	}
	s.renew()
	s.Settle(&g, output(700))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{700, 0, 0})
}

// TestForgottenScripts loads scripts again that the server has forgotten.
func TestForgottenScripts(t *testing.T) {
	s := open(t, Options{Timeout: patient, heartbeat: -1, Observe: func(operation string, _ time.Duration, err error) {
		if err != nil { // what was not run is no failure
			t.Errorf("%s: %v", operation, err)
		}
	}})
	p := minute(t, 1000)
	for range 3 {
		g := mustReserve(t, s, p, "u", output(10))
		if _, err := shared.Do("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
		s.Settle(g, output(10))
		mustFlush(t, s)
		if _, err := shared.Do("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
	}
	mustStand(t, s, p, "u", standing{30, 0, 0})
}

// TestReplyOfAnotherCall drops a connection whose replies are out of step,
// and goes on with a new one.
func TestReplyOfAnotherCall(t *testing.T) {
	s := open(t, Options{Timeout: patient})
	p := minute(t, 1000)
	before := s.client.Load()
	stranger := newScript("reserve", "return { 41, 1, 2, 3 }")
	_, err := s.call(t.Context(), stranger, patient, nil, []string{"42", "me"})
	if !errors.Is(err, errDesync) || !errors.Is(err, limit.ErrUnavailable) || !isUnsure(err) {
		t.Errorf("the error is %v, want one of a desync", err)
	}
	eventually(t, "recovery", func() bool { return s.Ping(t.Context()) == nil })
	if s.client.Load() == before {
		t.Error("the connection is still in use")
	}
	mustReserve(t, s, p, "u", output(10))
	if got := s.Stats().Desyncs; got != 1 {
		t.Errorf("%d desyncs, want 1", got)
	}
}

// TestShapes checks that the scripts count windows as the core does.
func TestShapes(t *testing.T) {
	got := prelude(serverClock)
	for _, want := range []string{
		"WIDTH = { m = 1000, h = 60000, d = 1800000 }",
		"SLOTS = { m = 61, h = 61, d = 49 }",
		"HELD = 88200000",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the prelude does not have %q:\n%s", want, got)
		}
	}
}
