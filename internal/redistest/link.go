package redistest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Link is a network between clients and a server: what is sent arrives later, as on
// a long wire, and in its order. It carries any number of connections.
type Link struct {
	Addr string // where clients connect

	to    atomic.Pointer[string]
	delay time.Duration // of each direction
	turns atomic.Int64
	spoke atomic.Bool // the client was the last to send

	mu    sync.Mutex
	ends  []net.Conn
	group sync.WaitGroup
}

// NewLink opens a link to the server until the end of the test. A round trip over it
// takes twice the delay, and more than one can be under way.
func (s *Server) NewLink(tb testing.TB, delay time.Duration) *Link {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	l := &Link{Addr: listener.Addr().String(), delay: delay}
	l.Lead(s)
	l.group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			l.connect(client)
		}
	})
	tb.Cleanup(func() {
		listener.Close()
		l.Cut()
		l.group.Wait()
	})
	return l
}

// Turns returns how often a client has sent something after it was answered: the
// round trips of a client that waits for every answer.
func (l *Link) Turns() int64 { return l.turns.Load() }

// Port returns the port of Addr.
func (l *Link) Port() int { return port(l.Addr) }

// Lead has new connections go to another server, as a name does that is given to it. Those
// that there are stay where they are.
func (l *Link) Lead(to *Server) { l.to.Store(&to.Addr) }

// Cut breaks every connection. New ones can be made.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.ends {
		c.Close()
	}
	l.ends = nil
}

// connect carries one connection.
func (l *Link) connect(client net.Conn) {
	server, err := net.Dial("tcp", *l.to.Load())
	if err != nil {
		client.Close()
		return
	}
	l.mu.Lock()
	l.ends = append(l.ends, client, server)
	l.mu.Unlock()
	l.carry(client, server, func() {
		if !l.spoke.Swap(true) {
			l.turns.Add(1)
		}
	})
	l.carry(server, client, func() { l.spoke.Store(false) })
}

// piece is what came in together, and when it arrives.
type piece struct {
	bytes []byte
	due   time.Time
}

// carry takes what from sends to to. sent is told of each piece.
func (l *Link) carry(from, to net.Conn, sent func()) {
	wire := make(chan piece, 1<<12)
	l.group.Go(func() {
		defer close(wire)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			sent()
			wire <- piece{b[:n], time.Now().Add(l.delay)}
		}
	})
	l.group.Go(func() {
		for p := range wire {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.bytes) // to a connection that was cut
		}
		to.Close()
	})
}
