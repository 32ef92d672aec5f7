package hostile_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// drip writes s a byte at a time until the connection is closed or the test
// ends; then it closes done.
func drip(t testing.TB, c net.Conn, s string, pause time.Duration) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			b := byte(' ') // for ever
			if i < len(s) {
				b = s[i]
			}
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-t.Context().Done():
				return
			case <-time.After(pause):
			}
		}
	}()
	return done
}

// slow is a request that does not come to its end, and how it is answered.
type slow struct {
	sent    string // at once
	dripped string // a byte at a time; empty: nothing more comes
	status  int    // 0: closed without an answer
}

// TestSlowClients keeps many connections busy with requests that do not end,
// each kind where it is answered at another place. All are cut, and other
// clients are served meanwhile.
func TestSlowClients(t *testing.T) { withEach(t, slowClients) }

func slowClients(t *testing.T, setting string) {
	kinds := map[string]slow{
		"nothing at all":        {status: 0},
		"half a head":           {sent: postChat + "\r\nHost: x\r\nX-A: ", status: 0},
		"a dripping head":       {sent: postChat + "\r\nHost: x\r\nX-A: ", dripped: strings.Repeat("a", 1000), status: 0},
		"no body":               {sent: head(postChat, length(len(chat))), status: 408},
		"half a body":           {sent: head(postChat, length(len(chat))) + chat[:20], status: 408},
		"a dripping body":       {sent: head(postChat, length(50000)), dripped: `{"model":"`, status: 408},
		"no chunk":              {sent: head(postChat, "Transfer-Encoding: chunked"), status: 408},
		"half a chunk":          {sent: head(postChat, "Transfer-Encoding: chunked") + "ff\r\n{", status: 408},
		"dripping chunks":       {sent: head(postChat, "Transfer-Encoding: chunked"), dripped: strings.Repeat("1\r\n \r\n", 1000), status: 408},
		"no endpoint":           {sent: head("POST /nowhere HTTP/1.1", length(100)) + "{", status: 404},
		"no endpoint, chunked":  {sent: head("POST /nowhere HTTP/1.1", "Transfer-Encoding: chunked") + "5\r\n", status: 404},
		"another method":        {sent: head("PUT "+chatPath+" HTTP/1.1", length(100)) + "{", status: 405},
		"another type":          {sent: postChat + "\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n{", status: 415},
		"too much":              {sent: head(postChat, length(100<<20)), status: 413},
		"too much, by a little": {sent: head(postChat, length(70000)), status: 413},
		"a body of a GET":       {sent: head("GET /v1/models HTTP/1.1", length(100)) + "{", status: 200},
		"a body of a probe":     {sent: head("GET /actuator/health HTTP/1.1", length(100)) + "{", status: 200},
	}
	w := &watchedStore{Store: memory.New(memory.Options{})}
	g, r := start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100000, max-concurrent-requests: 1}", Store: w,
		Server: setting + ", read-header-timeout: 300ms, body-timeout: 400ms, idle-timeout: 2s, max-body-bytes: 65536",
	})
	conns := map[net.Conn]string{}
	begun := time.Now()
	for name, k := range kinds {
		for range 4 {
			c := dial(t, g)
			conns[c] = name
			if _, err := io.WriteString(c, k.sent); err != nil {
				t.Fatal(err)
			}
			if k.dripped != "" {
				drip(t, c, k.dripped, 20*time.Millisecond)
			}
		}
	}
	for range 20 {
		if a := post(t, g, chatPath, chat); a.status != http.StatusOK {
			t.Fatalf("beside slow clients, the answer is %d: %s", a.status, a.body)
		}
	}
	for c, name := range conns {
		list := answers(t, name, c)
		switch want := kinds[name].status; {
		case want == 0 && len(list) > 1, want != 0 && len(list) != 1:
			t.Errorf("%s: %d answers", name, len(list))
		case want != 0 && list[0].status != want:
			t.Errorf("%s: %d %s, want %d", name, list[0].status, list[0].body, want)
		}
	}
	if d := time.Since(begun); d > patience {
		t.Errorf("it took %v until all were cut", d)
	}
	wantSent(t, r, 20)
	if n := w.reserved.Load(); n != 20 {
		t.Errorf("%d reservations, want 20", n)
	}
}
