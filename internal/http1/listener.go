package http1

import (
	"cmp"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// sorter is the listener that net/http sees: what it accepts are the connections
// that are handed over.
type sorter struct {
	closable
	watch  *watch
	handed chan net.Conn
	failed chan error
}

// closable is a listener that tells when it is closed.
type closable struct {
	net.Listener
	closed chan struct{}
	once   sync.Once
}

// Close implements net.Listener.
func (c *closable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// sort accepts what comes to l and serves it, and returns a listener for what is handed over.
func (s *Server) sort(l net.Listener, w *watch) *sorter {
	o := &sorter{watch: w, handed: make(chan net.Conn), failed: make(chan error)}
	o.Listener, o.closed = l, make(chan struct{})
	s.accepts(1)
	go o.accept(s)
	return o
}

// How long nothing is accepted after an error that may pass, such as too many open
// files: longer each time, until something comes again. As in net/http.
const (
	firstPause = 5 * time.Millisecond
	pauseMax   = time.Second
)

// accept accepts until the listener is closed. An error that will not pass is
// net/http's, whose Serve ends with it.
func (o *sorter) accept(s *Server) {
	defer s.accepts(-1)
	var pause time.Duration
	for {
		raw, err := o.Listener.Accept()
		if err == nil {
			pause = 0
			if !s.room.enter(o.closed) {
				_ = raw.Close()
				return
			}
			s.take(raw, o)
			continue
		}
		if !isTemporary(err) {
			select {
			case o.failed <- err:
			case <-o.closed:
			}
			return
		}
		pause = min(max(2*pause, firstPause), pauseMax)
		s.log.Printf("http: Accept error: %v; retrying in %v", err, pause)
		s.tellFailure(err)
		select {
		case <-time.After(pause):
		case <-o.closed:
			return
		}
	}
}

func isTemporary(err error) bool {
	var may interface{ Temporary() bool }
	return errors.As(err, &may) && may.Temporary()
}

// Accept implements net.Listener.
func (o *sorter) Accept() (net.Conn, error) {
	select {
	case c := <-o.handed:
		return c, nil
	case err := <-o.failed:
		return nil, err
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

// hand hands a connection over. Where net/http takes none any more, it is closed
// with these last words; "" for none.
func (o *sorter) hand(raw net.Conn, lastWords string) {
	select {
	case o.handed <- raw:
		return
	case <-o.closed:
	}
	if lastWords != "" {
		_, _ = io.WriteString(raw, lastWords)
	}
	_ = raw.Close()
}

// unavailable is what this server says by itself, to who has begun a request: that it
// is being shut down.
const unavailable = "HTTP/1.1 503 Service Unavailable\r\n" +
	"Connection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"

// begun is a connection that net/http reads, of which something may have been read. Where a request
// on it could be read in two ways, it cannot be read any more: net/http answers 400 and closes it.
type begun struct {
	stream
	rest    []byte
	framing framing
	failed  error       // what was wrong
	refused atomic.Bool // it has failed; for who does not read
	log     *log.Logger
}

// begun returns a connection for net/http, of which rest has been read. Its permit is given
// back when it is closed in truth: that of one that was refused not before its client has
// had time for the answer.
func (s *Server) begun(c stream, rest []byte) *begun {
	return &begun{stream: s.counted(c).(stream), rest: rest, log: s.log}
}

// Strict returns a listener for a server of net/http alone that refuses what a [Server]
// refuses of what net/http reads: folded fields, lines that end with LF alone, a transfer
// coding beside a length or in HTTP/1.0, and control characters behind the size of a
// chunk. net/http answers such a request with 400 and closes the connection, or lets its
// handler find that the body cannot be read. The log tells it; nil is the standard one.
func Strict(l net.Listener, to *log.Logger) net.Listener {
	return strict{l, cmp.Or(to, log.Default())}
}

type strict struct {
	net.Listener
	log *log.Logger
}

// Accept implements net.Listener.
func (l strict) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if s, ok := raw.(stream); ok {
		return &begun{stream: s, log: l.log}, err
	}
	return raw, err
}

// stream is what net/http needs of a connection: beside all else to end our side, before
// it closes one whose client is still sending, lest a reset takes the answer along.
// What else a connection can do would read past what has been read.
type stream interface {
	net.Conn
	CloseWrite() error
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.read(p)
	sure, wrong := b.framing.see(p[:n])
	if wrong == nil {
		return n, err
	}
	b.failed = wrong
	b.refused.Store(true)
	b.log.Printf("http: a request could be read in two ways: %v", wrong)
	if sure > 0 {
		return sure, nil // net/http learns at its next read
	}
	return 0, wrong
}

// Close implements net.Conn. What was refused may still be coming: its client shall see the answer.
func (b *begun) Close() error {
	if !b.refused.Load() {
		return b.stream.Close()
	}
	go func() {
		linger(b.stream)
		_ = b.stream.Close()
	}()
	return nil
}

// read reads without a look at what comes.
func (b *begun) read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return b.stream.Read(p)
	}
	n := copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		b.rest = nil
	}
	return n, nil
}
