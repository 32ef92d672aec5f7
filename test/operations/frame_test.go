package operations

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// dialing opens connections of HTTP/2 and counts them.
func dialing(count *atomic.Int64, c *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	c.NextProtos = []string{"h2"}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		count.Add(1)
		return (&tls.Dialer{Config: c}).DialContext(ctx, network, address)
	}
}

// framed is a connection whose client sends what frames it likes.
type framed struct {
	*http2.Framer
	conn net.Conn
	next uint32 // stream
}

// connect opens a connection with the client's settings.
func connect(t *testing.T, g *apptest.Gateway, settings ...http2.Setting) *framed {
	t.Helper()
	c := g.Files.Trust(t)
	c.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(g.URL, "https://"), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	f := &framed{http2.NewFramer(conn, conn), conn, 1}
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return f
}

// head sends the head of a chat request with a body of so many bytes, and returns
// its stream.
func (f *framed) head(length int, id string) (uint32, error) {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{
		{":method", "POST"}, {":scheme", "https"}, {":authority", "gateway.test"}, {":path", chatPath},
		{"content-type", "application/json"}, {"content-length", fmt.Sprint(length)}, {"x-user-id", "mallory"}, {"x-request-id", id},
	} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // a buffer takes everything
	}
	stream := f.next
	f.next += 2
	return stream, f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
}

// chat sends a whole request.
func (f *framed) chat(id, body string) (uint32, error) {
	stream, err := f.head(len(body), id)
	if err == nil {
		err = f.WriteData(stream, true, []byte(body))
	}
	return stream, err
}

// until reads frames up to one that is wanted.
func (f *framed) until(t *testing.T, what string, wanted func(http2.Frame) bool) {
	t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("before %s: %v", what, err)
		}
		if wanted(frame) {
			return
		}
	}
}

// TestStreamsAreBounded: of one connection no more requests run than the gateway
// says; one more is refused, and starts nothing.
func TestStreamsAreBounded(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true})
	f := connect(t, g)
	most := 0
	f.until(t, "the gateway's settings", func(frame http2.Frame) bool {
		s, ok := frame.(*http2.SettingsFrame)
		if ok {
			n, told := s.Value(http2.SettingMaxConcurrentStreams)
			if !told {
				t.Fatal("the gateway does not say how many streams there may be")
			}
			most = int(n)
		}
		return ok
	})
	if most < 100 || most > 1000 {
		t.Fatalf("%d streams may run", most)
	}
	last := uint32(0)
	for i := range most + 1 {
		stream, err := f.head(100, fmt.Sprint("open-", i)) // the body never comes
		if err != nil {
			t.Fatal(err)
		}
		last = stream
	}
	f.until(t, "a refusal", func(frame http2.Frame) bool {
		r, ok := frame.(*http2.RSTStreamFrame)
		if ok && (r.StreamID != last || r.ErrCode != http2.ErrCodeRefusedStream && r.ErrCode != http2.ErrCodeProtocol) {
			t.Fatalf("stream %d of %d ends with %v", r.StreamID, last, r.ErrCode)
		}
		return ok
	})
}

// TestRapidReset: a client that opens streams only to reset them has no more of
// them running than one that waits for its answers, others are served meanwhile,
// and all of it is settled.
func TestRapidReset(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Limits: "{max-tokens-per-day: 100000000}"})
	f := connect(t, g)
	go func() {
		for {
			if _, err := f.ReadFrame(); err != nil {
				return
			}
		}
	}()
	const most = 3000
	sent := 0
	for ; sent < most; sent++ {
		stream, err := f.chat("reset", chat("", `"output_tokens":10000,"token_ms":2`))
		if err == nil {
			err = f.WriteRSTStream(stream, http2.ErrCodeCancel)
		}
		if err != nil {
			break // told to be calm
		}
		if sent == most/2 {
			if status, _, told := g.Post(t, chatPath, "alice", chat("", "")); status != http.StatusOK {
				t.Errorf("another client gets %d %s", status, told)
			}
		}
	}
	f.conn.Close()
	eventually(t, "nothing is running and all is settled", func() bool {
		return g.Ledger.InFlight(apptest.Model) == 0 && g.Usage(t, "mallory").Windows[0].Reserved == 0
	})
	running := g.Ledger.MaxRunning(apptest.Model)
	t.Logf("%d streams were opened and reset; %d requests ran at once", sent, running)
	if running > 251 { // the gateway's bound, and the other client
		t.Errorf("%d requests of one connection ran at once", running)
	}
}

// TestClientThatTakesNothing: a client that lets nothing be sent on its stream, or
// does not read its connection at all, is cut off in the time that a slow client
// of HTTP/1.1 has, and its model server stops.
func TestClientThatTakesNothing(t *testing.T) {
	g := apptest.Start(t, apptest.Options{TLS: true, Service: "idle-timeout: 1s"})
	for _, kind := range []struct {
		name   string
		window uint32
	}{{"stream-without-room", 0}, {"connection-that-is-not-read", 1<<31 - 1}} {
		f := connect(t, g, http2.Setting{ID: http2.SettingInitialWindowSize, Val: kind.window})
		if kind.window > 0 {
			if err := f.WriteWindowUpdate(0, 1<<30); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.chat(kind.name, chat(`,"stream":true`, `"output_tokens":1000000,"token_ms":0`)); err != nil {
			t.Fatal(err)
		}
		eventually(t, kind.name+" began", func() bool { return g.Ledger.InFlight(apptest.Model) > 0 })
		eventually(t, kind.name+" is cut off", func() bool { return g.Ledger.InFlight(apptest.Model) == 0 })
		e, ok := g.Ledger.Entry(kind.name)
		t.Logf("%s: cut off after %d of 1000000 tokens", kind.name, e.Output)
		if !ok || e.Output == 0 || e.Output >= 1_000_000 {
			t.Errorf("%s: %d tokens were generated", kind.name, e.Output)
		}
	}
}
