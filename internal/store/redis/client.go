package redis

import (
	"context"
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

// dial makes a client. It is usable, later, even if the server does not answer
// now; an error means that the options are wrong.
func dial(o Options) (*client, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:         []string{o.Address},
		Username:            o.Username,
		Password:            o.Password,
		SelectDB:            o.Database,
		TLSConfig:           o.TLS,
		Dialer:              net.Dialer{Timeout: dialTimeout},
		ConnWriteTimeout:    writeTimeout,
		ReadBufferEachConn:  bufferBytes,
		WriteBufferEachConn: bufferBytes,
		ClientName:          "token-rate-limiter",
		// A call is answered by this server or not at all: never again by
		// itself, never from a cache.
		ForceSingleClient: true,
		// Where few calls run, the client would write and read in the goroutine of
		// one of them, and close the connection at that one's deadline: a caller who
		// gives up would take the settlements on the same connection with it.
		AlwaysPipelining: true,
		DisableRetry:     true,
		DisableCache:     true,
		// Batches on one connection; more of them cost calls to the kernel.
		PipelineMultiplex: -1,
	})
	if c == nil {
		return nil, err
	}
	return &client{c}, nil
}

// drop stops using a client whose replies cannot be told apart any more. The
// probe makes a new one.
func (s *Store) drop(c *client) {
	if s.desynced.CompareAndSwap(nil, c) {
		s.counts.desyncs.Add(1)
	}
	s.gate.close()
}

// watch probes the server while the gate is closed, and opens it again.
func (s *Store) watch() {
	defer s.done.Done()
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
		s.gate.open()
	}
}

// probe reports whether the server answers, and keeps why it does not.
func (s *Store) probe(ctx context.Context) bool {
	err := s.ask(ctx)
	if err != nil {
		s.trouble.Store(&callError{operation: "probe", cause: err})
		return false
	}
	s.trouble.Store(nil)
	return true
}

// ask asks the server for a sign of life. It replaces a client that was
// dropped.
func (s *Store) ask(ctx context.Context) error {
	if bad := s.desynced.Load(); bad != nil {
		fresh, err := dial(s.options)
		if err != nil {
			return err
		}
		s.client.Store(fresh)
		s.desynced.Store(nil)
		bad.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, max(s.options.Timeout, dialTimeout))
	defer cancel()
	c := s.client.Load()
	return c.Do(ctx, c.B().Ping().Build()).Error()
}
