package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// Streams is a number of event streams that are open and being read. They
// have no end: Close ends them.
type Streams struct {
	events    atomic.Int64
	recording atomic.Bool
	closing   atomic.Bool

	open    []*openStream
	reading sync.WaitGroup
	ended   chan error // the first stream that ended before Close
}

type openStream struct {
	conn   net.Conn
	began  chan struct{} // closed after the first event
	delays []time.Duration
}

// OpenStreams opens count streams at address, stream i in the name of user i,
// and returns when each has had an event. A stream that does not begin is an
// error.
func OpenStreams(ctx context.Context, address string, count int) (*Streams, error) {
	return OpenStreamsApart(ctx, address, count, 0)
}

// OpenStreamsApart does what OpenStreams does and lets some time pass between
// two streams, so that the events of all do not come in one bunch.
func OpenStreamsApart(ctx context.Context, address string, count int, apart time.Duration) (*Streams, error) {
	s := &Streams{ended: make(chan error, 1)}
	var d net.Dialer
	for user := range count {
		if err := pause(ctx, apart); err != nil {
			s.Close()
			return nil, err
		}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			s.Close()
			return nil, err
		}
		o := &openStream{conn: conn, began: make(chan struct{})}
		s.open = append(s.open, o)
		s.reading.Go(func() {
			if err := s.read(o, user); !s.closing.Load() {
				s.fail(fmt.Errorf("stream %d of %d: %w", user, count, err))
			}
		})
	}
	if err := s.awaitAll(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// awaitAll returns when every stream has begun.
func (s *Streams) awaitAll(ctx context.Context) error {
	for _, o := range s.open {
		select {
		case <-o.began:
		case err := <-s.ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fail keeps the first failure.
func (s *Streams) fail(err error) {
	select {
	case s.ended <- err:
	default:
	}
}

// Err returns an error if a stream has ended by itself, the first such time
// it is asked.
func (s *Streams) Err() error {
	select {
	case err := <-s.ended:
		return err
	default:
		return nil
	}
}

// Events returns how many events have arrived so far, over all streams.
func (s *Streams) Events() int64 { return s.events.Load() }

// Record begins to note how long events took from the model server's write
// until they were read here.
func (s *Streams) Record() { s.recording.Store(true) }

// Close ends all streams and returns what Record noted.
func (s *Streams) Close() Percentiles {
	s.closing.Store(true)
	for _, o := range s.open {
		_ = o.conn.Close()
	}
	s.reading.Wait()
	var delays []time.Duration
	for _, o := range s.open {
		delays = append(delays, o.delays...)
	}
	return percentilesOf(delays)
}

// Delays returns, after Close, what Record noted: for each stream how long its
// events took, in their order.
func (s *Streams) Delays() [][]time.Duration {
	all := make([][]time.Duration, len(s.open))
	for i, o := range s.open {
		all[i] = o.delays
	}
	return all
}

// read sends the request and reads the stream until it ends, which is an
// error in any case: streams are longer than measurements.
func (s *Streams) read(o *openStream, user int) error {
	if _, err := o.conn.Write(appendRequest(nil, user, streamBody)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(o.conn, 2048)
	h, err := readHead(r)
	if err != nil {
		return unexpected(err)
	}
	if h.status != http.StatusOK || !h.chunked {
		body, _ := h.readBody(r, nil)
		return errors.New("answered " + describeFailure(h.status, body))
	}
	return s.count(o, httputil.NewChunkedReader(r))
}

// count counts the events of one stream.
func (s *Streams) count(o *openStream, body io.Reader) error {
	var events eventCounter
	piece := make([]byte, 2048)
	for {
		n, err := body.Read(piece)
		before := events.count
		events.add(piece[:n])
		if before == 0 && events.count > 0 {
			close(o.began)
		}
		s.events.Add(events.count - before)
		if s.recording.Load() {
			if at, found := written(piece[:n]); found {
				o.delays = append(o.delays, time.Since(epoch)-at)
			}
		}
		if err != nil {
			return fmt.Errorf("ended after %d events: %w", events.count, err)
		}
	}
}
