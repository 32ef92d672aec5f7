package upstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Pool is the model servers of one model, any of which can answer its requests.
// It may share them with other pools. Use NewPool; its methods may be called
// concurrently.
type Pool struct {
	servers []*Server
	failed  func(*Server)
	turn    atomic.Uint32 // where the next choice begins, so that equals take turns
}

// NewPool returns a pool of the given servers, of which there is at least one.
// failed, if not nil, is called for every failure of one of them that a request
// of this pool has met with; it may be called concurrently.
func NewPool(servers []*Server, failed func(*Server)) *Pool {
	return &Pool{servers: slices.Clone(servers), failed: failed}
}

// Servers returns the model servers. The caller must not change the slice.
func (p *Pool) Servers() []*Server { return p.servers }

// Do sends r to the least busy server and waits until the body of the answer has
// begun. Errors are of type [*Error]; see [Server.Do] for the rest.
//
// It asks another server in three cases, in which nothing was generated that
// anybody could still get: no connection could be made; the connection closed
// before the answer began and nobody is at the address any more; the queue is
// full. The last is tried at one other. A request whose server died is tried at
// two others at most, so that one that kills its server does not kill them all. Whatever else goes wrong is the
// caller's to tell: a request may be generating although nothing comes back.
//
// All of them have the time limits of r between them.
func (p *Pool) Do(ctx context.Context, r *Request) (*Response, error) {
	r.failed = p.failed
	var tried []*Server
	var failure *Error // of the last attempt; one that was sent stands
	full, died := 0, 0 // attempts that were sent
	now := time.Now()
	begun := r.begin(now)
	for ; ; now = time.Now() {
		l := limitsOf(r, begun, now)
		if phase := l.passed(now); phase != 0 {
			return nil, p.late(failure, phase)
		}
		s := p.choose(tried, r.Server, now)
		if s == nil {
			return nil, p.none(failure)
		}
		if r.Bodies != nil {
			r.Body = r.Bodies.BodyFor(s.name)
		}
		response, err := s.attempt(ctx, r, l, now)
		if err == nil {
			return response, nil
		}
		if err.Kind == Busy {
			full++
		} else if err.sent {
			died++
		}
		if !err.elsewhere || full > fullMax || died > diedMax {
			return nil, err
		}
		if failure == nil || !failure.sent {
			failure = err
		}
		tried = append(tried, s)
	}
}

const (
	fullMax = 1 // full queues that a request may meet and go on
	diedMax = 2 // servers that may die of it, or beside it
)

// choose returns the server to ask that was not tried yet: of those whose breaker
// lets a request pass the one with that name, or else the one with the fewest
// running requests. It returns nil where there is none.
func (p *Pool) choose(tried []*Server, name string, now time.Time) *Server {
	for {
		s := p.leastBusy(tried, name, now)
		if s == nil {
			return nil
		}
		ok, changed := s.breaker.pass(now)
		if changed {
			s.tell()
		}
		if ok {
			return s
		}
	}
}

func (p *Pool) leastBusy(tried []*Server, name string, now time.Time) *Server {
	n := len(p.servers)
	first := 0
	if n > 1 {
		first = int(p.turn.Add(1) % uint32(n))
	}
	var best *Server
	for i := range n {
		s := p.servers[(first+i)%n]
		if slices.Contains(tried, s) || !s.breaker.passable(now) {
			continue
		}
		if s.name == name {
			return s
		}
		if best == nil || s.running.Load() < best.running.Load() {
			best = s
		}
	}
	return best
}

// none returns why no server is left to ask.
func (p *Pool) none(failure *Error) *Error {
	if failure != nil {
		return failure
	}
	return &Error{Kind: Away, Address: p.names(), Err: errNone}
}

// late returns why no time is left to ask a server.
func (p *Pool) late(failure *Error, phase Phase) *Error {
	if failure != nil {
		return failure
	}
	return &Error{Kind: Timeout, Phase: phase, Address: p.names(), Err: context.DeadlineExceeded, short: true}
}

// names returns the names of all servers, for people.
func (p *Pool) names() string {
	names := make([]string, len(p.servers))
	for i, s := range p.servers {
		names[i] = s.Name()
	}
	return strings.Join(names, ", ")
}

var errNone = errors.New("it failed lately, and is not asked until it has recovered")

// attempt sends r to the server and waits until the body of the answer has begun.
// Its error says whether another server may be asked.
func (s *Server) attempt(ctx context.Context, r *Request, l limits, now time.Time) (*Response, *Error) {
	response, err := s.do(ctx, r, l, now)
	if err == nil && response.Status == http.StatusServiceUnavailable {
		return nil, s.unavailable(ctx, response)
	}
	if err == nil {
		if err = response.Body.await(); err == nil {
			s.heard()
			return response, nil
		}
	}
	failure := asError(err)
	switch {
	case failure.unconnected():
		failure.elsewhere = !failure.sent || failure.refused()
		if failure.nobodyThere() {
			s.noteFound(failure)
		}
	case failure.Kind == Closed || failure.Kind == Broken:
		if failure.elsewhere = s.gone(ctx); failure.elsewhere {
			s.noteFound(failure)
		}
	}
	return nil, failure
}

// unavailable tells a full queue, which another server may not have, from a
// server that is ill.
func (s *Server) unavailable(ctx context.Context, response *Response) *Error {
	err := s.Check(ctx)
	if err == nil {
		response.Body.excuse()
		_ = response.Body.Close()
		return &Error{Kind: Busy, Address: s.address, Err: errQueueFull, sent: true, started: true, elsewhere: true}
	}
	failure := &Error{Kind: Away, Address: s.address, Err: err, sent: true, started: true}
	var checked *Error
	switch {
	case ctx.Err() != nil:
		failure.Kind, failure.Err = Canceled, context.Cause(ctx)
		response.Body.excuse()
	case errors.As(err, &checked) && checked.ours():
		response.Body.excuse()
	default:
		response.Body.Blame()
	}
	_ = response.Body.Close()
	return failure
}

var errQueueFull = errors.New("it takes no more requests at the moment")

// Check asks all servers whether they are well, and reports whether one is.
func (p *Pool) Check(ctx context.Context) bool {
	if len(p.servers) == 1 {
		return p.servers[0].Check(ctx) == nil
	}
	well := make(chan bool, len(p.servers))
	for _, s := range p.servers {
		go func() { well <- s.Check(ctx) == nil }()
	}
	found := false
	for range p.servers {
		found = <-well || found
	}
	return found
}
