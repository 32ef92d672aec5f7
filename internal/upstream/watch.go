package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// recheckInterval is how often a model server that is away is asked.
	recheckInterval = time.Second
	// checkTimeout bounds a check.
	checkTimeout = 2 * time.Second
	// silencesMax is how many of them in a row may go without an answer before the server is away:
	// a busy one may be late. An answer to anything else begins the count anew.
	silencesMax = 3
)

// Condition is how a model server does.
type Condition struct {
	// Model is that of whose requests Breaker tells; "" where it tells of all.
	Model string
	// Reachable tells that a connection could be made, and that the server said
	// that it is well, when somebody last looked. It is true until then.
	Reachable bool
	Breaker   BreakerState
}

// condition returns that of the server for the model.
func (b *breaker) condition() Condition {
	return Condition{Model: b.model, Reachable: !b.isAway(), Breaker: b.current()}
}

// Cause returns the error for which the server was found not reachable; nil while it is.
func (s *Server) Cause() error {
	if cause := s.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// Running returns the number of requests that the server is working on for this
// process: those whose answer has not come to its end.
func (s *Server) Running() int { return int(s.running.Load()) }

// Watch asks the server every few seconds whether it is well, and more often
// while it is away, until ctx ends. Without it a server that is away stays so. Of a
// server that is well it looks at the list of models, too: see [Server.Lacks].
func (s *Server) Watch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.alarm:
			timer.Reset(min(s.every, recheckInterval))
		case <-timer.C:
			if err := asError(s.Check(ctx)); err == nil {
				s.look(ctx)
			} else if !err.ours() && s.silences.Add(1) >= silencesMax {
				s.noteFound(err)
			}
			wait := s.every
			if s.breaker.isAway() {
				wait = min(wait, recheckInterval)
			}
			timer.Reset(wait)
		}
	}
}

// Check asks the server whether it is well, within two seconds, notes what it says, and returns nil
// if it is well, or why not. A server that does not know the path is well: it answers. Those who
// check at the same time share one request. No answer in time says nothing yet: see Watch.
func (s *Server) Check(ctx context.Context) error {
	for {
		q := &checking{done: make(chan struct{})}
		if s.checking.CompareAndSwap(nil, q) {
			q.err = s.check(ctx)
			s.checking.Store(nil)
			close(q.done)
			return q.err
		}
		if q = s.checking.Load(); q == nil {
			continue // it has been answered meanwhile
		}
		select {
		case <-q.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !errors.Is(q.err, context.Canceled) { // that was who asked, who has left
			return q.err
		}
	}
}

// checking is a check that is on its way.
type checking struct {
	done chan struct{} // closed when err is set
	err  error
}

func (s *Server) check(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := s.Health(bounded)
	switch told, ok := errors.AsType[*StatusError](err); {
	case ctx.Err() != nil:
		return context.Canceled // it says nothing about the server
	case err == nil, ok && told.Status < http.StatusInternalServerError:
		s.heard()
		s.noteFound(nil)
		return nil
	case ok, asError(err).nobodyThere():
		s.noteFound(err)
	case bounded.Err() != nil:
		late := newError(Timeout, s.Address(), bounded.Err())
		late.Phase = Whole
		return late
	}
	return err
}

// heard notes that the server has answered something.
func (s *Server) heard() {
	if s.silences.Load() != 0 {
		s.silences.Store(0)
	}
}

// StatusError is a health check that was answered, but not with 200.
type StatusError struct {
	Address string
	Status  int
}

// Error names the server and the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("model server %s: GET /health answered %d", e.Address, e.Status)
}

// Health asks GET /health, vLLM's own check that its engine is alive, and returns nil on 200, a
// [*StatusError] on another answer and an [*Error] on none. The context bounds the time.
func (s *Server) Health(ctx context.Context) error {
	r, err := s.get(ctx, "/health")
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	if r.Status != http.StatusOK {
		return &StatusError{Address: s.Address(), Status: r.Status}
	}
	return nil
}

// get sends a GET to the server, aside.
func (s *Server) get(ctx context.Context, path string) (*Response, error) {
	r := ClientRequest{Method: http.MethodGet, Path: path}
	return s.Do(ctx, &Request{ClientRequest: r, Aside: true})
}

// gone reports whether nobody is at the server's address any more: what it was
// working on has ended with it.
//
// The system of a process that dies closes its connections and its listener one
// after the other. So a connection that can be made proves little: it may wait in
// the queue of a listener that is closed the next moment, and is then reset. One
// that is still open after a while has somebody at its other end.
func (s *Server) gone(ctx context.Context) bool {
	for range goneLooks {
		stays, err := s.client.Stays(ctx, goneWait)
		if err != nil {
			return asError(err).refused()
		}
		if stays {
			return false
		}
	}
	return false
}

const (
	// goneWait is how long a new connection is watched. It is spent on a request
	// that has failed, to find out whether it may be sent elsewhere.
	goneWait = 50 * time.Millisecond
	// goneLooks bounds the connections that are made for that, to a server that closes them all.
	goneLooks = 3
)

// noteFound notes that the server is there, or, with an error, why it is away.
func (s *Server) noteFound(away error) {
	if !s.found(away == nil) {
		return
	}
	s.cause.Store(&away)
	if away != nil {
		s.client.CloseIdle()
		s.list.Store(nil) // another process may come back
		s.wake()
	}
	s.tell(&s.breaker)
}

// tell tells of a change of a breaker.
func (s *Server) tell(b *breaker) {
	if s.changed != nil {
		s.changed(b.condition())
	}
}
