package streams

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

const (
	slowClients = 6
	slowIdle    = 3 * time.Second // the idle-timeout
	// slowBytesMax is what a client that does not read may cost, the model
	// server's side of its stream included, which runs in the same process.
	slowBytesMax = 256 << 10
)

// TestSlowClients opens streams of 240 MB that nobody reads: they cost bounded
// memory, do not delay a stream that is read, are cut off after the idle-timeout,
// and give their slots back.
func TestSlowClients(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Limits:  fmt.Sprintf("{max-tokens-per-day: 1000000000, max-concurrent-requests: %d}", slowClients+1),
		Service: fmt.Sprintf("idle-timeout: %v", slowIdle),
	})
	before := heap()
	for i := range slowClients {
		ignoreAnswer(t, g, fmt.Sprintf("slow-%d", i))
	}
	stuck(t, g)
	if n := running(t, g); n != slowClients {
		t.Errorf("%d requests run, want %d", n, slowClients)
	}
	each := (heap() - before) / slowClients
	t.Logf("a client that does not read costs %d KiB", each>>10)
	if each > slowBytesMax {
		t.Errorf("that is more than %d KiB", slowBytesMax>>10)
	}
	checkUndisturbed(t, g)
	eventually(t, "the clients are cut off", func() bool { return g.Ledger.InFlight(apptest.Model) == 0 })
	idle(t, g)
	if n := running(t, g); n != 0 {
		t.Errorf("%d slots are held", n)
	}
	for i := range slowClients {
		e, _ := g.Ledger.Entry(fmt.Sprintf("slow-%d", i))
		if took := e.End.Sub(e.Start); e.Outcome != mockvllm.Cancelled || took < slowIdle*7/8 || took > slowIdle+patience {
			t.Errorf("the stream ended %s after %v", e.Outcome, took)
		}
		// What was on its way is charged, as far as it can be read in the time
		// that the model server has to stop: all of it, on a machine that is not
		// slowed down by others and by the race detector.
		used := g.Usage(t, e.ID).Windows[0].Used
		if spent := e.Input + e.Output; used > spent || used < spent/2 {
			t.Errorf("%d tokens were charged, the ledger says %d and %d", used, e.Input, e.Output)
		}
	}
}

// ignoreAnswer asks for a long stream and does not read it.
func ignoreAnswer(t *testing.T, g *apptest.Gateway, id string) {
	t.Helper()
	if _, err := deaf(t, g).Write(written(id, "X-Request-ID: "+id+"\r\n", streamed(chatPath, ``, `"output_tokens":60000,"token_bytes":4000`))); err != nil {
		t.Fatal(err)
	}
}

// deaf connects a client that is not going to read, until the test ends.
func deaf(t *testing.T, g *apptest.Gateway) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	return conn
}

// written returns a chat as it is written to a connection, with further fields as lines.
func written(user, further, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nX-User-ID: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		chatPath, user, further, len(body), body)
}

// stuck waits until no stream gets on.
func stuck(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	generated, same := int64(0), 0
	eventually(t, "no stream gets on", func() bool {
		n := g.Ledger.Sum(apptest.Model, "").Output
		if same++; n != generated || g.Ledger.InFlight(apptest.Model) < slowClients {
			generated, same = n, 0
		}
		return same > 50
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// checkUndisturbed reads a stream beside the ones that are stuck.
func checkUndisturbed(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	c := open(t, g.URL, chatPath, "quick", "quick", streamed(chatPath, ``, `"output_tokens":100,"ack":true`))
	events := readAcknowledging(t, g, c, "quick", true)
	e, _ := g.Ledger.Entry("quick")
	var delays []time.Duration
	for i, event := range events[:len(events)-2] {
		delays = append(delays, event.at.Sub(e.Events[i].Sent))
	}
	slices.Sort(delays)
	median := delays[len(delays)/2]
	t.Logf("beside them an event takes %v (median), %v (most)", median, delays[len(delays)-1])
	if median > 50*time.Millisecond {
		t.Errorf("an event takes %v", median)
	}
}
