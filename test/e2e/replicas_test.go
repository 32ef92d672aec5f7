package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// The models of the replicas' test: one that charges the worst case and never
// lets an answer exceed it, and one with the defaults and few running slots.
const (
	exact   = "exact"
	usual   = "usual"
	perUser = 3000 // tokens per minute on either
	running = 8    // requests at once on usual
)

// tally counts answers by status and type of error. It is safe for concurrent
// use.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *tally) add(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[fmt.Sprintf("%d %s", a.status, a.failure().Error.Type)]++
}

// TestTwoGatewaysAdmitAsOne sends 2,000 requests of 12 users to two gateways
// that share a Redis and a model server, more than the limits let through.
func TestTwoGatewaysAdmitAsOne(t *testing.T) {
	t.Parallel()
	const requests, users = 2000, 12
	server := startModelServer(t, exact, usual)
	s := site{server: server.url, redis: redistest.Start(t), models: map[string]string{
		exact: fmt.Sprintf("{max-tokens-per-minute: %d, max-tokens-per-hour: 1000000, reserve: worst-case, overrun: stop, input-estimate: exact}", perUser),
		usual: fmt.Sprintf("{max-tokens-per-minute: %d, max-tokens-per-hour: 1000000, max-concurrent-requests: %d}", perUser, running),
	}}
	gateways := []*gateway{s.serve(t), s.serve(t)}
	begun := time.Now()
	seen := storm(t, gateways, requests, users)
	took := time.Since(begun)
	t.Logf("in %v: %v", took.Round(time.Millisecond), seen.counts)
	for _, kind := range []string{"200 ", "429 tokens", "429 concurrency"} {
		if seen.counts[kind] < requests/50 {
			t.Errorf("%d answers were %q: the test tests nothing", seen.counts[kind], kind)
		}
		delete(seen.counts, kind)
	}
	if len(seen.counts) > 0 {
		t.Errorf("there were other answers: %v", seen.counts)
	}

	// A request that has ended is settled within milliseconds.
	for _, name := range []string{exact, usual} {
		eventually(t, patience, "no running request of "+name, func() bool { return gateways[0].usage(t, name, "user0").running() == 0 })
	}
	told := map[[2]string]int64{}
	for i := range users {
		for _, name := range []string{exact, usual} {
			user := fmt.Sprint("user", i)
			used, reserved := gateways[i%2].usage(t, name, user).longest()
			told[[2]string{name, user}] = used
			if reserved != 0 {
				t.Errorf("%d are reserved for %s on %s", reserved, user, name)
			}
		}
	}
	b := server.books(t)
	for who, used := range told {
		own := b.of(who[0], who[1])
		if used != own.tokens() {
			t.Errorf("%v: %d are used, the ledger has %d", who, used, own.tokens())
		}
		// Charges are made a little before the model server begins.
		most := own.fullest(time.Minute - time.Second)
		if who[0] == exact && (most > perUser || took < time.Minute && most < perUser*9/10) {
			t.Errorf("%v: %d tokens in a minute, the limit is %d", who, most, perUser)
		}
		if who[0] == usual && most > 2*perUser { // max-debt: as much again
			t.Errorf("%v: %d tokens in a minute, the limit is %d", who, most, perUser)
		}
	}
	if n := b.of(usual, "").maxRunning(); n != running {
		t.Errorf("%d requests were running at once, and may be %d", n, running)
	}
}

// storm sends requests from 32 clients over all gateways, half of them to each
// model, and counts the answers.
func storm(t *testing.T, gateways []*gateway, requests, users int) *tally {
	t.Helper()
	const clients = 32
	var seen tally
	var group sync.WaitGroup
	for n := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(n)))
			for i := range requests / clients {
				r := chat{
					user: fmt.Sprint("user", random.IntN(users)), model: usual, stream: random.IntN(2) == 0,
					tokens: 5 + random.IntN(120), maxTokens: 100, pace: 1 + random.IntN(2),
				}
				if (n+i)%2 == 0 {
					r.model = exact
				}
				a := gateways[random.IntN(len(gateways))].send(t.Context(), r)
				if a.err != nil || a.status != http.StatusOK && a.status != http.StatusTooManyRequests {
					t.Errorf("the answer to %+v is %d %v %s", r, a.status, a.err, a.body)
				}
				seen.add(a)
			}
		})
	}
	group.Wait()
	return &seen
}
