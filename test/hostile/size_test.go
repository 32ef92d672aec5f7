package hostile_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// flood writes pieces until n bytes are written or the other side has had
// enough, and returns how many it took.
func flood(c net.Conn, piece string, n int) (written int) {
	for written < n {
		m, err := io.WriteString(c, piece)
		written += m
		if err != nil {
			break
		}
	}
	return written
}

// TestHugeBodies sends 100 MB: 413 before anything is reserved, and without
// the gateway taking it all in.
func TestHugeBodies(t *testing.T) {
	const size = 100 << 20
	filler := strings.Repeat("x", 32<<10)
	for name, tt := range map[string]struct{ start, piece string }{
		"declared": {head(postChat, length(size)) + `{"model":"`, filler},
		"chunked":  {head(postChat, "Transfer-Encoding: chunked") + "1\r\n{\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(filler), filler)},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watchedStore{Store: memory.New(memory.Options{})}
			g, r := start(t, apptest.Options{Limits: everyMeter, Store: w})
			c := dial(t, g)
			if _, err := io.WriteString(c, tt.start); err != nil {
				t.Fatal(err)
			}
			written := make(chan int, 1)
			go func() { written <- flood(c, tt.piece, size) }()
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatalf("there is no answer: %v", err)
			}
			body, _ := io.ReadAll(response.Body)
			wantFailure(t, name, answer{response.StatusCode, response.Header, string(body)}, http.StatusRequestEntityTooLarge, "request_too_large")
			if !response.Close {
				t.Error("the connection is kept")
			}
			// The largest body is 10 MiB; buffers of two sockets come on top.
			if n := <-written; n > 40<<20 {
				t.Errorf("the gateway took %d bytes", n)
			}
			if n := w.reserved.Load(); n != 0 {
				t.Errorf("%d reservations", n)
			}
			wantSent(t, r, 0)
			wantUncharged(t, g, "anonymous")
		})
	}
}

// TestLargestBody sends one that is just small enough, and one byte more.
func TestLargestBody(t *testing.T) {
	const most = 1 << 20
	g, r := start(t, apptest.Options{Server: fmt.Sprintf("max-body-bytes: %d", most), Service: "context-length: 1000000"})
	fill := func(n int) string {
		return chat[:len(chat)-1] + `,"x":"` + strings.Repeat("y", n-len(chat)-len(`,"x":""`)) + `"}`
	}
	if a := post(t, g, chatPath, fill(most)); a.status != http.StatusOK {
		t.Errorf("a body of the largest size: %d %.200s", a.status, a.body)
	}
	wantFailure(t, "one byte more", post(t, g, chatPath, fill(most+1)), http.StatusRequestEntityTooLarge, "request_too_large")
	wantSent(t, r, 1)
}

// TestDeclaredSizeIsNotAllocated opens connections that declare the largest
// body and send little: memory follows what has come and not what was said.
func TestDeclaredSizeIsNotAllocated(t *testing.T) {
	const clients = 50
	g, _ := start(t, apptest.Options{})
	before := allocated()
	for range clients {
		c := dial(t, g)
		if _, err := io.WriteString(c, head(postChat, length(10<<20), "Expect: 100-continue")); err != nil {
			t.Fatal(err)
		}
		// The server says so when the body is about to be read.
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("the server says %q, %v", line, err)
		}
	}
	if grown := allocated() - before; grown > clients<<20 {
		t.Errorf("%d clients that declare 10 MiB cost %d MiB", clients, grown>>20)
	}
}

// allocated returns what has been allocated since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestHugeHeads sends too many and too large header fields.
func TestHugeHeads(t *testing.T) {
	g, r := start(t, apptest.Options{})
	for name, fields := range map[string]string{
		"one large":  "X-A: " + strings.Repeat("a", 1<<20),
		"many small": strings.TrimSuffix(strings.Repeat("X-A: b\r\n", 1<<17), "\r\n"),
	} {
		c := dial(t, g)
		go io.WriteString(c, head(postChat, length(len(chat)), fields)+chat)
		list := answers(t, name, c)
		if len(list) != 1 || list[0].status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %v", name, list)
		}
	}
	wantSent(t, r, 0)
}

// TestHalfClosed shuts its side of the connection behind the request, as a
// client does that is gone; but it reads what comes.
func TestHalfClosed(t *testing.T) {
	g, r := start(t, apptest.Options{})
	c := dial(t, g)
	slowly := strings.Replace(chat, `"output_tokens":10`, `"output_tokens":10,"token_ms":50`, 1)
	if _, err := io.WriteString(c, head(postChat, length(len(slowly)))+slowly); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request is at the model server", func() bool { return len(r.all()) == 1 })
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers(t, "half closed", c) {
		if a.status == http.StatusOK && a.body == "" {
			t.Errorf("what was abandoned is answered with an empty %d", a.status)
		}
	}
}
