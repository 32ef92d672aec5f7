package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Load is closed-loop load: a fixed number of connections, each of which
// sends the next small chat request when it has read the last answer. It ends
// when the time is over or the number of requests is reached, whichever comes
// first; a zero value of either is no bound, and one of the two is needed.
type Load struct {
	Address     string // host:port
	Connections int
	FirstUser   int // requests are in the name of users FirstUser, FirstUser+1, ...
	Users       int // ... and begin again after this many
	For         time.Duration
	Requests    int
}

// LoadResult is what a Load did.
type LoadResult struct {
	Requests int // answered with 200
	Failures int // answered otherwise
	Failure  string
	Elapsed  time.Duration
	Latency  Percentiles
}

// Run connects, and then runs the load. A connection that cannot be made or
// breaks is an error; an answer other than 200 is counted.
func (l Load) Run(ctx context.Context) (LoadResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers, err := l.connect(ctx)
	if err != nil {
		return LoadResult{}, err
	}
	// A worker may be waiting for an answer: closing wakes it.
	defer context.AfterFunc(ctx, func() { closeAll(workers) })()
	defer closeAll(workers)

	start := time.Now()
	var next atomic.Int64
	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() {
			if err := w.run(l, start, &next); err != nil {
				cancel(err) // the first one counts; the others only follow
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return LoadResult{}, fmt.Errorf("load on %s: %w", l.Address, err)
	}
	return collect(workers, time.Since(start)), nil
}

// worker is one connection of a Load.
type worker struct {
	conn      net.Conn
	reader    *bufio.Reader
	request   []byte
	body      []byte
	latencies []time.Duration
	failures  int
	failure   string
}

func (l Load) connect(ctx context.Context) ([]*worker, error) {
	var workers []*worker
	var d net.Dialer
	for range l.Connections {
		conn, err := d.DialContext(ctx, "tcp", l.Address)
		if err != nil {
			closeAll(workers)
			return nil, err
		}
		workers = append(workers, &worker{conn: conn, reader: bufio.NewReader(conn), latencies: make([]time.Duration, 0, 4096)})
	}
	return workers, nil
}

func closeAll(workers []*worker) {
	for _, w := range workers {
		_ = w.conn.Close()
	}
}

// run sends requests until the load is over. next counts them over all workers.
func (w *worker) run(l Load, start time.Time, next *atomic.Int64) error {
	for {
		i := int(next.Add(1) - 1)
		now := time.Now()
		if l.Requests > 0 && i >= l.Requests || l.For > 0 && now.Sub(start) >= l.For {
			return nil
		}
		w.request = appendRequest(w.request[:0], l.FirstUser+i%l.Users, chatBody)
		if err := w.exchange(now); err != nil {
			return err
		}
	}
}

// exchange sends the request and reads its answer.
func (w *worker) exchange(start time.Time) error {
	if _, err := w.conn.Write(w.request); err != nil {
		return err
	}
	h, err := readHead(w.reader)
	if err != nil {
		return unexpected(err)
	}
	if w.body, err = h.readBody(w.reader, w.body[:0]); err != nil {
		return err
	}
	if h.status != http.StatusOK {
		w.failures++
		w.failure = describeFailure(h.status, w.body)
		return nil
	}
	w.latencies = append(w.latencies, time.Since(start))
	return nil
}

// describeFailure quotes an answer that ought to have been a 200.
func describeFailure(status int, body []byte) string {
	return fmt.Sprintf("%d %.200s", status, body)
}

func collect(workers []*worker, elapsed time.Duration) LoadResult {
	r := LoadResult{Elapsed: elapsed}
	var latencies []time.Duration
	for _, w := range workers {
		latencies = append(latencies, w.latencies...)
		r.Failures += w.failures
		if w.failure != "" {
			r.Failure = w.failure
		}
	}
	r.Requests = len(latencies)
	r.Latency = percentilesOf(latencies)
	return r
}

// err returns an error if anything was not answered with 200.
func (r LoadResult) err() error {
	switch {
	case r.Failures > 0:
		return fmt.Errorf("%d of %d answers were not 200, such as: %s", r.Failures, r.Requests+r.Failures, r.Failure)
	case r.Requests == 0:
		return errors.New("no request was answered")
	}
	return nil
}
