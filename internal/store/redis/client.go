package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/redis/rueidis"
)

// Of the connection. Its own timeout only has to find out that a silent
// server is gone; calls have deadlines.
const (
	dialTimeout  = time.Second
	writeTimeout = 2 * time.Second
	bufferBytes  = 64 << 10
	probeEvery   = 100 * time.Millisecond
)

// client is a connection to Redis that reconnects by itself.
type client struct{ rueidis.Client }

// unmade is a connection that could not be made.
type unmade struct {
	at    time.Time
	cause error
}

// wire is the connection that was made last.
type wire struct {
	net.Conn
	made time.Time
}

// demotedEvery is how long a connection to a server that takes no writes is kept.
const demotedEvery = time.Second

// demoted ends the connection to a server that has become a replica: its address may lead
// to the new primary by now, and nobody else would end it. The client makes a new one.
func (s *Store) demoted() {
	w := s.wire.Load()
	if w != nil && time.Since(w.made) > demotedEvery && s.wire.CompareAndSwap(w, nil) {
		_ = w.Close()
	}
}

// dial makes a client. It is usable, later, even if the server does not answer
// now; an error means that the options are wrong.
func (s *Store) dial() (*client, error) {
	o := &s.options
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:         []string{o.Address},
		Username:            o.Username,
		Password:            o.Password,
		SelectDB:            o.Database,
		TLSConfig:           o.TLS,
		Dialer:              net.Dialer{Timeout: dialTimeout},
		DialCtxFn:           s.connect,
		ConnWriteTimeout:    writeTimeout,
		ReadBufferEachConn:  bufferBytes,
		WriteBufferEachConn: bufferBytes,
		ClientName:          "token-rate-limiter",
		ClientSetInfo:       rueidis.DisableClientSetInfo, // which would need a right of its own
		// A call is answered by this server or not at all: never again by
		// itself, never from a cache.
		ForceSingleClient: true,
		// Where few calls run, the client would write and read in the goroutine of
		// one of them, and close the connection at that one's deadline: a caller who
		// gives up would take the settlements on the same connection with it. And
		// only calls that are queued keep their order (see turn).
		AlwaysPipelining: true,
		DisableRetry:     true,
		DisableCache:     true,
		// One connection, on which calls keep their order.
		PipelineMultiplex: -1,
	})
	if c == nil {
		return nil, err
	}
	return &client{c}, nil
}

// connect makes a connection, unless it is for a call that must not be the first one on it.
func (s *Store) connect(ctx context.Context, address string, d *net.Dialer, t *tls.Config,
) (net.Conn, error) {
	turn, isCall := ctx.(*turn)
	if isCall && !turn.first {
		s.connections.Add(1) // so that the commands are tried
		return nil, errUntried
	}
	c, err := dial(ctx, address, d, t)
	if err != nil {
		s.unmade.Store(&unmade{time.Now(), err})
	} else {
		s.wire.Store(&wire{c, time.Now()})
	}
	if n := s.connections.Add(1); isCall {
		turn.made = n
	}
	return c, err
}

// dial makes a connection, encrypted where t is set.
func dial(ctx context.Context, address string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil || t == nil {
		return c, err
	}
	encrypted := tls.Client(c, t)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, &handshakeError{err}
	}
	return encrypted, nil
}

// drop stops using a client whose replies cannot be told apart any more. The
// probe makes a new one.
func (s *Store) drop(c *client) {
	if s.desynced.CompareAndSwap(nil, c) {
		s.counts.add(func(st *Stats) { st.Desyncs++ })
	}
	s.gate.close()
}

// watch probes the server while the gate is closed, and opens it again.
func (s *Store) watch() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.gate.closed:
		}
		for !s.probe(s.ctx) {
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(probeEvery):
			}
		}
		s.backlog.clear()
		s.gate.open()
	}
}

// probe reports whether the server answers, and keeps why it does not.
func (s *Store) probe(ctx context.Context) bool {
	err := s.ask(ctx)
	e, _ := errors.AsType[*callError](err) // nil where there is none
	s.trouble.Store(e)
	return err == nil
}

// ask asks the server for a sign of life, and has time to connect first. It replaces
// a client that was dropped.
func (s *Store) ask(ctx context.Context) error {
	if bad := s.desynced.Load(); bad != nil {
		fresh, err := s.dial()
		if err != nil {
			return s.failed("dial", err)
		}
		s.client.Store(fresh)
		s.desynced.Store(nil)
		bad.Close()
	}
	return s.sign(ctx, max(s.options.Timeout, 2*dialTimeout))
}
