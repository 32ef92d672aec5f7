package upstream

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is the model servers of one model, any of which can answer its requests. It may share them
// with other pools. Use NewPool; its methods may be called concurrently.
type Pool struct {
	servers  []*Server
	model    string     // as they know it; empty: any
	breakers []*breaker // of the model, at each
	failed   func(*Server)
	turn     atomic.Uint32 // where the next choice begins, so that equals take turns
	deadly   deadly
}

// NewPool returns a pool of the given servers, of which there is at least one, for the requests of
// a model, which is named as they know it; "" is none. One that says that it lacks the model is not
// asked. Pools of one model judge a server together. failed, if not nil, is called for every
// failure of one of them that a request of this pool has met with; it may be called concurrently.
func NewPool(model string, servers []*Server, failed func(*Server)) *Pool {
	p := &Pool{servers: slices.Clone(servers), model: model, failed: failed}
	for _, s := range servers {
		p.breakers = append(p.breakers, s.breakerOf(model))
	}
	return p
}

// Do sends r to the least busy server that may be asked and waits until the body of the
// answer has begun. Errors are of type [*Error]; see [Server.Do] for the rest.
//
// It asks another server in three cases, in which nothing was generated that anybody could still
// get: no connection could be made; the connection closed before the answer began and nobody is at
// the address any more; the queue is full. The last is tried at one other. A request whose server
// died is tried at two others at most, so that one that kills its server does not kill them all;
// one of a caller whose requests have killed all of them before at none. Whatever else goes wrong
// is for whoever called to tell: a request may be generating although nothing comes back.
//
// All of them have the time limits of r between them.
func (p *Pool) Do(ctx context.Context, r *Request) (*Response, error) {
	r.failed, r.caller = p.failed, callerID(r.Caller)
	var w walk
	now := time.Now()
	sent := r.since(now)
	for ; ; now = time.Now() {
		if phase := sent.Passed(now); phase != 0 {
			return nil, p.end(r, &w, cmp.Or(w.failure, p.late(phase)))
		}
		choice := p.choices(r, &w)
		s := p.choose(r, &w, now)
		if s == nil {
			err := cmp.Or(w.failure, p.none())
			r.explain(nil, choice, nil, err, now)
			return nil, p.end(r, &w, err)
		}
		if r.Bodies != nil {
			sent.Body = r.Bodies.BodyFor(s.name)
		}
		response, err := s.try(ctx, r, &sent)
		r.explain(s, choice, response, err, now)
		if err == nil {
			if !r.Aside {
				p.deadly.served(r.caller)
			}
			return response, nil
		}
		if !p.goesOn(r, &w, s, err, now) {
			return nil, p.end(r, &w, err)
		}
	}
}

// walk is what has become of a request at the servers that were asked so far. It does not
// hold the request, which needs no memory of its own then.
type walk struct {
	tried      []*Server
	failure    *Error // of the last try; one that was sent stands
	full, died int    // tries that were sent
	reached    bool   // a server that was not full got it
}

const (
	fullMax = 1 // full queues that a request may meet and go on
	diedMax = 2 // servers that may die of it, or beside it
)

// goesOn notes how a try has failed, and reports whether another server may be asked.
func (p *Pool) goesOn(r *Request, w *walk, s *Server, err *Error, now time.Time) bool {
	w.reached = w.reached || err.Sent && err.Kind != Busy
	if err.Kind == Busy {
		w.full++
	} else if err.Sent && err.elsewhere {
		w.died++
	}
	if !err.elsewhere || w.full > fullMax || w.died > diedMax {
		return false
	}
	if w.died > 0 && p.deadly.known(r.caller, now) {
		return false
	}
	if w.failure == nil || !w.failure.Sent {
		w.failure = err
	}
	w.tried = append(w.tried, s)
	return true
}

// end completes the error that the request ends with.
func (p *Pool) end(r *Request, w *walk, err *Error) *Error {
	err.Reached = w.reached
	if w.died > 1 {
		p.deadly.note(r.caller, time.Now())
	}
	return err
}

// choose returns the server to ask that was not tried yet: of those that do not lack the
// model and whose breaker lets a request pass the one that the request names, or else the
// one with the fewest running requests. It returns nil where there is none. Where no breaker
// lets it pass, it may be tried at one, though not after another has failed.
func (p *Pool) choose(r *Request, w *walk, now time.Time) *Server {
	for alone := len(p.servers) == 1; ; {
		i := p.leastBusy(r, w, now, alone)
		if i < 0 {
			if alone || len(w.tried) > 0 {
				return nil
			}
			alone = true
			continue
		}
		r.breaker = p.breakers[i]
		if r.how = p.servers[i].pass(r, now, alone); r.how != barred {
			return p.servers[i]
		}
	}
}

// leastBusy returns the index of that server; -1 where there is none.
func (p *Pool) leastBusy(r *Request, w *walk, now time.Time, alone bool) int {
	n := len(p.servers)
	first := 0
	if n > 1 {
		first = int(p.turn.Add(1) % uint32(n)) // #nosec G115 -- the remainder is below n
	}
	best := -1
	for i := range n {
		i = (first + i) % n
		s := p.servers[i]
		if slices.Contains(w.tried, s) || p.lacking(s) || !p.breakers[i].lets(r, now, alone) {
			continue
		}
		if s.name == r.Server {
			return i
		}
		if best < 0 || s.running.Load() < p.servers[best].running.Load() {
			best = i
		}
	}
	return best
}

// lacking reports whether s says that it lacks the model.
func (p *Pool) lacking(s *Server) bool { return p.model != "" && s.Lacks(p.model) }

// pass returns how r passes, and tells where it is what the breaker has waited for. A request aside
// takes nobody's turn.
func (s *Server) pass(r *Request, now time.Time, alone bool) way {
	if r.Aside {
		return passing
	}
	how, changed := r.breaker.pass(now, r.caller, alone)
	if changed {
		s.tell(r.breaker)
	}
	return how
}

// none returns why there is no server to ask any more.
func (p *Pool) none() *Error {
	why := errNone
	if !slices.ContainsFunc(p.servers, func(s *Server) bool { return !p.lacking(s) }) {
		why = errLacking
	}
	return newError(Away, p.names(), why)
}

// late returns why there is no time to ask a server.
func (p *Pool) late(phase Phase) *Error {
	e := newError(Timeout, p.names(), context.DeadlineExceeded)
	e.Phase, e.Short = phase, true
	return e
}

// names returns the names of all servers, for people.
func (p *Pool) names() string {
	names := make([]string, len(p.servers))
	for i, s := range p.servers {
		names[i] = s.Name()
	}
	return strings.Join(names, ", ")
}

var (
	errNone    = errors.New("it failed lately, and is not asked until it has recovered")
	errLacking = errors.New("its " + listPath + " does not list the model: see served-as")
)

// try sends what is sent of r to the server, and waits until the body of the answer has
// begun. Its error says whether another server may be asked.
func (s *Server) try(ctx context.Context, r *Request, sent *ClientRequest) (*Response, *Error) {
	response, failure := s.do(ctx, r, sent)
	if failure == nil {
		if response.Status == http.StatusServiceUnavailable {
			return nil, s.unavailable(ctx, response)
		}
		err := response.Body.await(response)
		if err == nil {
			s.heard()
			return response, nil
		}
		failure = asError(err)
	}
	failure.Declined = response != nil && response.Status >= http.StatusMultipleChoices
	switch {
	case failure.unconnected():
		failure.elsewhere = !failure.Sent || failure.refused()
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

// unavailable tells a full queue, which another server may not have, from a server that is ill.
func (s *Server) unavailable(ctx context.Context, response *Response) *Error {
	err := s.Check(ctx)
	failure := newError(Away, s.Address(), err)
	failure.Sent, failure.Started, failure.Declined = true, true, true
	judged := saysNothing
	switch checked, ok := errors.AsType[*Error](err); {
	case err == nil:
		failure.Kind, failure.Err, failure.elsewhere = Busy, errQueueFull, true
	case ctx.Err() != nil:
		failure.Kind, failure.Err = Canceled, context.Cause(ctx)
	case !ok || !checked.ours():
		judged = wentWrong
	}
	response.Body.judge(judged)
	_ = response.Body.Close()
	return failure
}

var errQueueFull = errors.New("it takes no more requests at the moment")

// Check asks all servers whether they are well, and reports whether one is that does not
// lack the model.
func (p *Pool) Check(ctx context.Context) bool {
	var checks sync.WaitGroup
	var found atomic.Bool
	for _, s := range p.servers {
		checks.Go(func() {
			if s.Check(ctx) == nil && !p.lacking(s) {
				found.Store(true)
			}
		})
	}
	checks.Wait()
	return found.Load()
}
