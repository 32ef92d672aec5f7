package streams

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// leaving is a moment at which a client leaves: due waits for it and says whether
// it has come.
type leaving struct {
	name, path, body string
	due              func(t *testing.T, g *apptest.Gateway, id string, answer <-chan *call) bool
}

var leavings = []leaving{
	{"before the first byte", chatPath, streamed(chatPath, ``, `"ttft_ms":60000`), atWork},
	{"in mid-stream", chatPath, streamed(chatPath, ``, `"output_tokens":10000,"token_ms":2`), inMidStream},
	{"in a stream that waits", chatPath, streamed(chatPath, ``, `"output_tokens":100,"ack":true`), inMidStream},
	{"in mid-JSON", chatPath, body(chatPath, ``, `"output_tokens":10000,"token_ms":2`), generating},
	{"in a long prefill", messagesPath, body(messagesPath, ``, `"ttft_ms":60000`), atWork},
}

// atWork waits until the model server has taken the request up.
func atWork(t *testing.T, g *apptest.Gateway, id string, _ <-chan *call) bool {
	eventually(t, "the model server works", func() bool {
		e, ok := g.Ledger.Entry(id)
		return ok && e.Input > 0
	})
	return true
}

// generating waits until the model server has generated some tokens.
func generating(t *testing.T, g *apptest.Gateway, id string, _ <-chan *call) bool {
	eventually(t, "the model server generates", func() bool {
		e, ok := g.Ledger.Entry(id)
		return ok && e.Output > 3
	})
	return true
}

// inMidStream reads two events.
func inMidStream(t *testing.T, g *apptest.Gateway, id string, answer <-chan *call) bool {
	c := <-answer
	if c == nil {
		return false
	}
	for range 2 {
		g.Mock.Ack(id)
		if _, err := c.next(); err != nil {
			t.Errorf("the stream ended with %v", err)
			return false
		}
	}
	return true
}

// TestLeavingReachesTheModelServer lets fifty clients leave at each moment, and
// looks at the ledger for when the model server noticed.
func TestLeavingReachesTheModelServer(t *testing.T) {
	const times = 50
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 1000000000, max-concurrent-requests: 2}"})
	for i, tt := range leavings {
		t.Run(tt.name, func(t *testing.T) {
			delays := make([]time.Duration, times)
			for k := range times {
				delays[k] = leave(t, g, fmt.Sprintf("left-%d-%d", i, k), tt)
			}
			slices.Sort(delays)
			t.Logf("noticed after %v (median), %v (most)", delays[times/2], delays[times-1])
			if delays[times/2] > 100*time.Millisecond {
				t.Errorf("the model server notices after %v", delays[times/2])
			}
		})
	}
	idle(t, g)
	if n := running(t, g); n != 0 {
		t.Errorf("%d slots are held", n)
	}
	for _, w := range g.Usage(t, "alice").Windows {
		if w.Reserved != 0 {
			t.Errorf("%d tokens are reserved", w.Reserved)
		}
	}
}

// leave sends a request, leaves when it is due, and returns how long the model
// server took to notice.
func leave(t *testing.T, g *apptest.Gateway, id string, l leaving) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer, done := make(chan *call, 1), make(chan struct{})
	go func() {
		defer close(done)
		c, err := send(ctx, newClient(t), g.URL, l.path, "alice", id, l.body)
		answer <- c // nil where the client left before
		if err == nil {
			<-ctx.Done()
			_, _ = io.Copy(io.Discard, c.Body)
			c.Body.Close()
		}
	}()
	if !l.due(t, g, id, answer) {
		t.Fatal("there is no answer")
	}
	left := time.Now()
	cancel()
	<-done
	eventually(t, "the model server notices", func() bool {
		e, _ := g.Ledger.Entry(id)
		return e.Outcome != mockvllm.Running
	})
	e, _ := g.Ledger.Entry(id)
	if e.Outcome != mockvllm.Cancelled {
		t.Fatalf("the ledger says %s", e.Outcome)
	}
	return e.Cancel.Sub(left)
}
