package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestManySlowClients: 200 clients that ask for long streams and read nothing
// of them, and 200 that do not come to the end of their request, are cut off.
// They keep nobody else from being served, and leave neither a slot nor a
// descriptor behind.
func TestManySlowClients(t *testing.T) {
	t.Parallel()
	const clients = 200
	ledger, server := newModelServer(t)
	s := site{server: server, service: "idle-timeout: 5s", extra: "read-header-timeout: 2s, body-timeout: 2s", models: map[string]string{
		model: fmt.Sprintf("{max-tokens-per-hour: 1000000000, max-concurrent-requests: %d}", clients+1),
	}}
	g := s.serve(t)
	if a := g.send(t.Context(), chat{user: "first", tokens: 3}); a.status != http.StatusOK {
		t.Fatalf("the answer is %d %s", a.status, a.body)
	}
	before := g.descriptors(t)

	address := strings.TrimPrefix(g.base, "http://")
	var deaf, mute []net.Conn
	for i := range clients {
		deaf = append(deaf, dialDeaf(t, address, fmt.Sprint("deaf-", i)))
	}
	for i := range clients {
		mute = append(mute, dialMute(t, address, i))
	}
	eventually(t, patience, "streams that nobody reads", func() bool {
		return ledger.InFlight(model) > 0
	})
	if a := g.send(t.Context(), chat{user: "alice", tokens: 20, stream: true}); a.status != http.StatusOK || !strings.Contains(a.body, "[DONE]") {
		t.Errorf("beside them, the answer is %d %v %s", a.status, a.err, tail(a.body))
	}
	for _, c := range mute {
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); os.IsTimeout(err) {
			t.Fatal("a request that does not end is not cut off")
		}
		c.Close()
	}
	eventually(t, 3*patience, "a model server that works on nothing", func() bool { return ledger.InFlight(model) == 0 })
	eventually(t, patience, "no slot that is held", func() bool { return g.usage(t, model, "deaf-0").running() == 0 })
	// The first ones may be gone when a slow machine has come to the last.
	if n := ledger.MaxRunning(model); n < clients/8 {
		t.Errorf("%d requests were running at once, want more of %d: the test tests nothing", n, clients)
	}
	for _, c := range deaf {
		c.Close()
	}
	// Connections that are kept for further requests, on either side, are few.
	const kept = 10
	eventually(t, patience, "no descriptors left behind", func() bool { return g.descriptors(t) <= before+kept })
}

// dialDeaf asks for a stream that is longer than what connections hold, and
// does not read it.
func dialDeaf(t testing.TB, address, user string) net.Conn {
	c := dial(t, address)
	body := `{"model":"` + model + `","stream":true,"messages":[{"role":"user","content":"x"}],"mock":{"output_tokens":60000,"token_bytes":4000}}`
	write(t, c, fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-User-ID: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", user, len(body), body))
	return c
}

// dialMute begins a request and does not end it: half of them in the head,
// half in the body.
func dialMute(t testing.TB, address string, i int) net.Conn {
	c := dial(t, address)
	part := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	if i%2 == 0 {
		part += "Content-Length: 100\r\n\r\n{"
	}
	write(t, c, part)
	return c
}

// dial connects so that little fits between the two sides: the gateway's buffer
// would grow to megabytes with segments of the size of the loopback interface.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var errs error
		return errors.Join(c.Control(func(fd uintptr) {
			errs = errors.Join(
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10),
				syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1000))
		}), errs)
	}}
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func write(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

// descriptors returns how many files and connections the process has open.
func (p *process) descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "fd"))
	if os.IsNotExist(err) {
		t.Skip("this system does not list a process's descriptors")
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
