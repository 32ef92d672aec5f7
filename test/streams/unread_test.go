package streams

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestUnreadRefusals: clients who send requests that the model server refuses, and read
// none of the refusals, hold no slot while an answer waits for them.
func TestUnreadRefusals(t *testing.T) {
	const clients = 2
	g := apptest.Start(t, apptest.Options{Limits: fmt.Sprintf("{max-requests-per-day: 10000000, max-concurrent-requests: %d}", clients)})
	refused := body(chatPath, ``, `"status":400,"body":"`+strings.Repeat("a", 30<<10)+`"`)
	var sent atomic.Int64
	for n := range clients {
		pipeline(t, g, fmt.Sprintf("unread-%d", n), refused, &sent)
	}
	standstill(t, &sent)
	eventually(t, "no slot is held", func() bool { return running(t, g) == 0 })
	eventually(t, "another user is served", func() bool { // between two requests, they hold the slots for a moment
		c := open(t, g.URL, chatPath, "alice", "", body(chatPath, ``, `"output_tokens":5`))
		c.all(t)
		return c.StatusCode == http.StatusOK
	})
}

// pipeline sends a request over and over until the test ends, and reads nothing.
func pipeline(t *testing.T, g *apptest.Gateway, user, body string, sent *atomic.Int64) {
	t.Helper()
	conn, one := deaf(t, g), written(user, "", body)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for err := error(nil); err == nil; {
			_, err = conn.Write(one)
			sent.Add(1)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
}

// standstill waits until something was sent, and nothing more for half a second.
func standstill(t *testing.T, sent *atomic.Int64) {
	t.Helper()
	var seen int64
	since := time.Now()
	eventually(t, "nothing more is taken", func() bool {
		if n := sent.Load(); n != seen || n == 0 {
			seen, since = n, time.Now()
		}
		return time.Since(since) > time.Second/2
	})
}
