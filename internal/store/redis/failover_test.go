package redis

import (
	"net"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestFailover makes a server the replica of another one, which its address leads to from
// then on. The connection to it stays: the store leaves it, and goes on with the new
// primary.
func TestFailover(t *testing.T) {
	old, next := redistest.Start(t), redistest.Start(t)
	link := old.NewLink(t, 0)
	s, err := New(t.Context(), Options{Address: link.Addr, Timeout: patient, heartbeat: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	p := minute(t, 1000)
	running := mustReserve(t, s, p, "u", output(100))
	follow(t, next, old)
	eventually(t, "the copy", func() bool {
		h, _ := next.Hash("token:usage:{llama2-7b}:u")
		return len(h) > 0
	})
	command(t, next, "REPLICAOF", "NO", "ONE")
	link.Lead(next)
	follow(t, old, next)
	eventually(t, "a decision of the new primary", func() bool {
		g, _, err := tryReserve(t.Context(), s, p, "u")
		s.Settle(g, output(20))
		return err == nil
	})
	s.Settle(running, output(30))
	mustFlush(t, s)
	mustStand(t, s, p, "u", standing{50, 0, 0})
	if st := s.Stats(); st.Lost != 0 || st.Missing != 0 {
		t.Errorf("lost %d, missing %d", st.Lost, st.Missing)
	}
}

// follow makes a server a replica of another one.
func follow(t *testing.T, replica, primary *redistest.Server) {
	t.Helper()
	host, port, err := net.SplitHostPort(primary.Addr)
	if err != nil {
		t.Fatal(err)
	}
	command(t, replica, "REPLICAOF", host, port)
}
