package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestSequentialClientIsNeverDenied: a client who sends a request when the answer to
// the one before has ended is never denied because of that one, in memory, on Redis and
// on a Redis that is far away. What is served before a limit is reached is the same.
func TestSequentialClientIsNeverDenied(t *testing.T) {
	t.Parallel()
	const requests, most = 100, 400
	_, server := newModelServer(t)
	near := redistest.Start(t)
	far := redistest.Start(t)
	limits := map[string]string{
		model: "{max-concurrent-requests: 1, max-tokens-per-hour: 10000000}",
		usual: fmt.Sprintf("{max-tokens-per-hour: %d}", most),
	}
	var served []int
	for _, s := range []site{
		{server: server, models: limits},
		{server: server, models: limits, redis: near},
		{server: server, models: limits, redis: far, link: far.NewLink(t, 5*time.Millisecond)},
	} {
		s.service = "served-as: " + model
		g := s.serve(t)
		for i := range requests {
			a := g.send(t.Context(), chat{user: "alice", tokens: 4, stream: i%2 == 0})
			if a.status != http.StatusOK {
				t.Fatalf("request %d of %d is answered with %d %s", i, requests, a.status, a.body)
			}
			if s.redis != nil && i%10 == 5 {
				if _, err := s.redis.Do("SCRIPT", "FLUSH"); err != nil {
					t.Fatal(err)
				}
			}
		}
		n := 0
		for n < most {
			if a := g.send(t.Context(), chat{user: "alice", model: usual, tokens: 4, maxTokens: 150}); a.status != http.StatusOK {
				break
			}
			n++
		}
		used, reserved := g.usage(t, usual, "alice").longest()
		if reserved != 0 {
			t.Errorf("%d are reserved, though nothing runs", reserved)
		}
		t.Logf("%d requests were served within %d tokens, and took %d", n, most, used)
		served = append(served, n)
	}
	if served[0] < 5 || served[0] != served[1] || served[0] != served[2] {
		t.Errorf("%v requests were served in memory, on Redis and on one far away; want as many", served)
	}
}
