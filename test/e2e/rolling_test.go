package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestRollingChange changes a gateway of the binary in PREVIOUS for one of this tree, on
// one Redis and under load: nothing is reset, and the books equal the ledger. It is left
// out where there is no such binary: PREVIOUS=/path/to/token-rate-limiter.
func TestRollingChange(t *testing.T) {
	previous := os.Getenv("PREVIOUS")
	if previous == "" {
		t.Skip("PREVIOUS names no binary")
	}
	const clients, slots = 12, 8
	ledger, server := newModelServer(t)
	s := site{server: server, redis: redistest.Start(t), models: map[string]string{
		model: fmt.Sprintf("{max-tokens-per-hour: 10000000, max-concurrent-requests: %d}", slots),
	}}
	old := s.serveOf(t, previous)
	for range 10 {
		if a := old.send(t.Context(), chat{user: "user0", tokens: 7}); a.status != http.StatusOK {
			t.Fatalf("the answer is %d %s", a.status, a.body)
		}
	}
	eventually(t, patience, "settled", func() bool { return old.usage(t, model, "user0").running() == 0 })
	before, _ := old.usage(t, model, "user0").longest()
	fresh := s.serve(t)
	if used, _ := fresh.usage(t, model, "user0").longest(); used != before || used == 0 {
		t.Errorf("the new gateway sees %d used, the old one %d", used, before)
	}
	var gateways atomic.Pointer[[]*gateway]
	gateways.Store(&[]*gateway{old, fresh})
	var group sync.WaitGroup
	var seen tally
	const each = 120
	for n := range clients {
		group.Go(func() {
			for i := range each {
				if n == 0 && i == each/2 {
					gateways.Store(&[]*gateway{fresh})
					old.signal(syscall.SIGTERM)
				}
				all := *gateways.Load()
				seen.add(all[rand.IntN(len(all))].send(t.Context(), chat{user: fmt.Sprint("user", n%4), tokens: 3 + i%20, stream: i%2 == 0, pace: 1}))
			}
		})
	}
	group.Wait()
	if code := old.wait(t); code != 0 {
		t.Errorf("the old gateway ended with %d", code)
	}
	t.Logf("%v", seen.counts)
	if seen.counts["200 "] < clients*each/10 {
		t.Error("too few were served to test anything")
	}
	eventually(t, patience, "nothing running", func() bool { return fresh.usage(t, model, "user0").running() == 0 })
	for i := range 4 {
		checkBooked(t, fresh.client, ledger, fmt.Sprint("user", i))
	}
	if n := ledger.MaxRunning(model); n > slots {
		t.Errorf("%d ran at once, and %d may", n, slots)
	}
}

// serveOf runs a gateway of another binary.
func (s site) serveOf(t *testing.T, binary string) *gateway {
	t.Helper()
	ours := program
	program = binary
	defer func() { program = ours }()
	return s.serve(t)
}
