package streams

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestConcurrency lets a hundred clients ask as fast as they can, for streams and
// answers, many of which they leave: at the model server there are never more
// requests than may run, and not many less.
func TestConcurrency(t *testing.T) {
	const clients, most, each = 100, 8, 15
	for name, overrun := range map[string]string{"debt": "", "stop": ", overrun: stop, total: {max-tokens-per-minute: 30000}"} {
		t.Run(name, func(t *testing.T) {
			g := apptest.Start(t, apptest.Options{
				Limits: fmt.Sprintf("{max-tokens-per-day: 100000000, default-output-tokens: 8, max-concurrent-requests: %d%s}", most, overrun),
				Mock:   mockvllm.Options{OutputTokens: mockvllm.Length{Min: 4, Max: 40}},
			})
			client := newClient(t)
			var all sync.WaitGroup
			var served, left, denied atomic.Int64
			for i := range clients {
				all.Go(func() {
					random := rand.New(rand.NewPCG(7, uint64(i)))
					for range each {
						switch visit(t, client, g, fmt.Sprintf("user-%d", i), random) {
						case http.StatusOK:
							served.Add(1)
						case http.StatusTooManyRequests:
							denied.Add(1)
							pause(t.Context(), time.Duration(random.IntN(20))*time.Millisecond)
						case 0:
							left.Add(1)
						}
					}
				})
			}
			all.Wait()
			idle(t, g)
			t.Logf("%d served, %d left, %d denied", served.Load(), left.Load(), denied.Load())
			// On a busy machine a slot may be waiting for its next request at any moment.
			if got := g.Ledger.MaxRunning(apptest.Model); got > most || got < most/2 {
				t.Errorf("%d requests were in flight at once, and %d may be", got, most)
			}
			if n := running(t, g); n != 0 || served.Load() < 3*most || left.Load() < 3*most {
				t.Errorf("%d slots are held; %d served, %d left", n, served.Load(), left.Load())
			}
		})
	}
}

// visit sends one request and perhaps leaves it. It returns the status, 0 if it
// left.
func visit(t *testing.T, client *http.Client, g *apptest.Gateway, user string, random *rand.Rand) int {
	path := []string{chatPath, completionsPath, messagesPath, responsesPath}[random.IntN(4)]
	// Slow enough that the model server is where requests are most of the time.
	pace := fmt.Sprintf(`"token_ms":%v,"ttft_ms":%d`, 1+random.Float64(), random.IntN(40))
	b := body(path, ``, pace)
	if random.IntN(3) > 0 {
		b = streamed(path, ``, pace)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	patient := random.IntN(2) == 0
	if !patient { // it leaves at some moment of the answer's life
		timer := time.AfterFunc(time.Duration(random.IntN(60))*time.Millisecond, cancel)
		defer timer.Stop()
	}
	c, err := send(ctx, client, g.URL, path, user, "", b)
	if err == nil {
		defer c.Body.Close()
		_, err = io.Copy(io.Discard, c.Body)
	}
	switch {
	case err == nil:
		return c.StatusCode
	case patient:
		t.Errorf("%s: %v", path, err)
	}
	return 0
}

// pause waits as a client does that was denied.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// TestSlotIsFreeAtTheEnd: whoever has read the last event of an answer, stopped
// or not, finds its slot free, without waiting for the connection to end.
func TestSlotIsFreeAtTheEnd(t *testing.T) {
	for name, limits := range map[string]string{
		"complete": "{max-concurrent-requests: 1}",
		"stopped":  "{max-concurrent-requests: 1, max-tokens-per-minute: 60, default-output-tokens: 8, overrun: stop}",
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
				g := apptest.Start(t, apptest.Options{Limits: limits, Store: newRecorder()})
				for i := range 20 {
					user := fmt.Sprintf("user-%d", i)
					c := open(t, g.URL, path, user, "", streamed(path, ``, `"output_tokens":100,"split":50`))
					if c.StatusCode != http.StatusOK {
						t.Fatalf("%s, request %d: %d: %s", path, i, c.StatusCode, c.all(t))
					}
					readToLast(t, c)
				}
				if got := g.Ledger.MaxRunning(apptest.Model); got != 1 {
					t.Errorf("%s: %d requests were in flight at once", path, got)
				}
			}
		})
	}
}

// readToLast reads up to the event after which nothing comes, and no further.
func readToLast(t *testing.T, c *call) {
	t.Helper()
	for {
		event, err := c.next()
		if err != nil {
			t.Fatalf("%v after %q", err, event)
		}
		if data(event) == "[DONE]" {
			return
		}
		switch read(t, event).Type {
		case "message_stop", "response.completed", "response.incomplete":
			return
		}
	}
}
