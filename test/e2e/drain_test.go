package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestSignalDrains: a gateway that is told to end is not ready any more and
// refuses what is new, while it finishes what runs; it settles that, exits with
// 0 and leaves its port to the next one.
func TestSignalDrains(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sig   syscall.Signal
		extra string
	}{
		"SIGTERM":                     {syscall.SIGTERM, ""},
		"SIGINT":                      {syscall.SIGINT, ""},
		"SIGTERM, served by net/http": {syscall.SIGTERM, "plain-http: net-http"},
	} {
		t.Run(name, func(t *testing.T) {
			const tokens, streams = 80, 4
			ledger, server := newModelServer(t)
			s := site{server: server, extra: tt.extra, redis: redistest.Start(t), models: map[string]string{
				model: "{max-tokens-per-hour: 100000, max-concurrent-requests: 20}",
			}}
			g := s.serve(t)
			var running []*stream
			for range streams {
				running = append(running, g.listen(t, chat{user: "alice", tokens: tokens, pace: 25}))
			}
			whole := make(chan answer, 1)
			go func() { whole <- g.send(t.Context(), chat{user: "alice", tokens: tokens, pace: 25}) }()
			for _, r := range running {
				r.await(t, 3)
			}
			eventually(t, patience, "all requests at the model server", func() bool { return ledger.InFlight(model) == streams+1 })

			g.signal(tt.sig)
			g.stderr.await(t, "draining")
			eventually(t, patience, "not ready", func() bool { return !g.ready() })
			checkDraining(t, g)
			for _, r := range running {
				r.finish(t, tokens)
			}
			if a := <-whole; a.status != http.StatusOK || a.err != nil {
				t.Errorf("the request that was running is answered with %d %v %s", a.status, a.err, a.body)
			}
			if code := g.wait(t); code != 0 {
				t.Errorf("the exit code is %d", code)
			}
			next := s.serve(t, "--address", g.base[len("http://"):])
			// What it has not settled at its end, nobody settles.
			checkBooked(t, next.client, ledger, "alice")
			if a := next.send(t.Context(), chat{user: "bob", tokens: 3}); a.status != http.StatusOK {
				t.Errorf("the next gateway answers %d %s", a.status, a.body)
			}
		})
	}
}

// checkDraining checks what a draining gateway tells probes and clients.
func checkDraining(t *testing.T, g *gateway) {
	t.Helper()
	if status, body := g.get("/actuator/health/readiness"); status != http.StatusServiceUnavailable || !strings.Contains(body, "shutting down") {
		t.Errorf("readiness is %d %s", status, body)
	}
	if status, body := g.get("/actuator/health/liveness"); status != http.StatusOK {
		t.Errorf("liveness is %d %s", status, body)
	}
	a := g.send(t.Context(), chat{user: "bob", tokens: 3})
	if a.status != http.StatusServiceUnavailable || a.failure().Error.Code != "shutting_down" || a.header.Get("Retry-After") != "1" {
		t.Errorf("a new request is answered with %d %v %v %s", a.status, a.err, a.header, a.body)
	}
	if !g.running() {
		t.Error("the gateway did not wait for its requests")
	}
}

// TestSecondSignalCutsOff: told to end twice, a gateway does not wait for what
// is running, settles it and exits with 0.
func TestSecondSignalCutsOff(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	s := site{server: server, redis: redistest.Start(t), extra: "drain-timeout: 1h", models: map[string]string{
		model: "{max-tokens-per-hour: 100000, max-concurrent-requests: 10}",
	}}
	g, other := s.serve(t), s.serve(t)
	running := g.listen(t, chat{user: "alice", tokens: 5000, pace: 20})
	running.await(t, 3)
	g.signal(syscall.SIGINT)
	eventually(t, patience, "not ready", func() bool { return !g.ready() })
	g.signal(syscall.SIGINT)
	if code := g.wait(t); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	<-running.ended
	if running.err == nil || running.done.Load() {
		t.Error("a stream that was cut off looks complete")
	}
	if err := ledger.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
	u := other.usage(t, model, "alice")
	if used, reserved := u.longest(); used == 0 || reserved != 0 || u.running() != 0 {
		t.Errorf("%d are used and %d reserved, %d running", used, reserved, u.running())
	}
}

// TestRequestsThatAreCutOffAreSettled: streams that do not end in time are
// charged what they generated, and nothing stays reserved for them.
func TestRequestsThatAreCutOffAreSettled(t *testing.T) {
	t.Parallel()
	const streams = 30
	ledger, server := newModelServer(t)
	s := site{server: server, redis: redistest.Start(t), extra: "drain-timeout: 300ms", models: map[string]string{
		model: "{max-tokens-per-hour: 100000, max-concurrent-requests: 100}",
	}}
	g, other := s.serve(t), s.serve(t)
	var cut []*stream
	for range streams {
		s := g.listen(t, chat{user: "alice", tokens: 2000, pace: 20})
		s.await(t, 3)
		cut = append(cut, s)
	}
	begun := time.Now()
	g.signal(syscall.SIGTERM)
	code := g.wait(t)
	t.Logf("ended after %v with %d", time.Since(begun).Round(time.Millisecond), code)
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	if err := ledger.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
	var received int64
	for _, c := range cut {
		<-c.ended
		received += c.events.Load()
		if c.err == nil || c.done.Load() {
			t.Error("a stream that was cut off looks complete")
		}
	}
	u := other.usage(t, model, "alice")
	used, reserved := u.longest()
	total := ledger.Sum(model, "alice")
	// What was on its way when the gateway left is booked and not charged.
	if reserved != 0 || u.running() != 0 || used > total.Input+total.Output || used < total.Input+received {
		t.Errorf("%d are used and %d reserved, %d running; the ledger has %+v, %d tokens were received", used, reserved, u.running(), total, received)
	}
}

// checkBooked checks that the account has what the ledger has, and that nothing
// is reserved or running. Settlements may take a moment where the gateway that
// made them runs on.
func checkBooked(t *testing.T, c client, ledger *mockvllm.Ledger, user string) {
	t.Helper()
	if err := ledger.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := ledger.Sum(model, user)
	u := c.usage(t, model, user)
	used, reserved := u.longest()
	if used != total.Input+total.Output || reserved != 0 || u.running() != 0 {
		t.Errorf("%d are used and %d reserved, %d running; the ledger has %+v", used, reserved, u.running(), total)
	}
}
