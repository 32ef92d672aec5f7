package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestSignalDrainsManyStreams: 200 streams that are open when the signal comes
// end properly and in time, on either store. What they used is booked to the
// token before the process ends, with no slot held. One more stream, which ends
// last, keeps the gateway there to be asked.
func TestSignalDrainsManyStreams(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(testing.TB) *redistest.Server{
		"memory": func(testing.TB) *redistest.Server { return nil },
		"redis":  func(t testing.TB) *redistest.Server { return redistest.Start(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const (
				streams, tokens = 200, 60
				deadline        = time.Minute
			)
			mock, ledger, server := newHoldingServer(t)
			s := site{server: server, redis: redis(t), extra: "drain-timeout: " + deadline.String(), models: map[string]string{
				model: "{max-tokens-per-hour: 10000000, max-concurrent-requests: 1000}",
			}}
			g := s.serve(t)
			var running []*stream
			for i := range streams {
				running = append(running, g.listen(t, chat{user: "alice", tokens: tokens, pace: 20, held: fmt.Sprint("held-", i)}))
			}
			last := g.listen(t, chat{user: "bob", tokens: tokens, held: "last"})
			eventually(t, patience, "streams that are all open", func() bool { return ledger.InFlight(model) == streams+1 })

			begun := time.Now()
			g.signal(syscall.SIGTERM)
			g.stderr.await(t, "draining")
			for i := range streams {
				release(mock, fmt.Sprint("held-", i), tokens)
			}
			for _, r := range running {
				r.finish(t, tokens)
			}
			total := ledger.Sum(model, "alice")
			eventually(t, patience, "books that equal the ledger, and one slot", func() bool {
				u := g.usage(t, model, "alice")
				used, reserved := u.longest()
				return used == total.Input+total.Output && reserved == 0 && u.running() == 1
			})
			release(mock, "last", tokens)
			last.finish(t, tokens)
			if code := g.wait(t); code != 0 {
				t.Errorf("the exit code is %d", code)
			}
			if took := time.Since(begun); took > deadline {
				t.Errorf("it took %v, and may take %v", took, deadline)
			}
			if n := len(g.stderr.lines(`"status":` + strconv.Itoa(http.StatusOK))); n < streams+1 {
				t.Errorf("%d requests are logged as served, want %d", n, streams+1)
			}
			if s.redis != nil {
				checkNothingHeld(t, s.redis)
				next := s.serve(t)
				checkBooked(t, next.client, ledger, "alice")
				checkBooked(t, next.client, ledger, "bob")
			}
		})
	}
}

// release lets a stream of so many tokens that is held go on to its end.
func release(mock *mockvllm.Server, id string, tokens int) {
	const others = 10 // events without a token
	for range tokens + others {
		mock.Ack(id)
	}
}

// checkNothingHeld checks in Redis itself that no replica runs anything and no
// charge waits for its settlement.
func checkNothingHeld(t *testing.T, redis *redistest.Server) {
	t.Helper()
	fields, err := redis.Hash("token:concurrent:{" + model + "}")
	if err != nil || len(fields) == 0 {
		t.Fatalf("the replicas of %s: %v %v", model, fields, err)
	}
	for name, value := range fields {
		switch kind, _, _ := strings.Cut(name, ":"); kind {
		case "r": // expiry, running, ...
			if state := strings.Fields(value); len(state) < 2 || state[1] != "0" {
				t.Errorf("a replica has left with %q", value)
			}
		case "g":
			t.Errorf("a charge is not settled: %q", value)
		}
	}
}
