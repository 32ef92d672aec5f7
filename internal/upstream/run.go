package upstream

import (
	"net/http"
	"time"
)

// verdict is what the end of a request says about its model server.
type verdict uint8

const (
	saysNothing verdict = iota // the client has left, or was wrong
	wentWell
	wentWrong
)

// verdict returns what e says about the server.
func (e *Error) verdict() verdict {
	if e.ours() || e.short {
		return saysNothing
	}
	return wentWrong
}

// verdictOf returns what a status says about the server, whatever becomes of the
// body; ok is false where the body will tell. 503 may be a full queue: whoever
// has asked finds out, and until then it is an answer that has not ended.
func verdictOf(status int) (v verdict, ok bool) {
	switch {
	case status >= 200 && status < 300, status == http.StatusServiceUnavailable:
		return saysNothing, false
	case status >= 400 && status < 500:
		return saysNothing, true
	}
	return wentWrong, true
}

// run is a request at a server, from when it is sent there until its answer
// has ended, which is when the server is judged by it.
type run struct {
	server  *Server // nil: not counted
	breaker *breaker
	caller  uint64
	epoch   uint32 // of the breaker, when it began
	how     way
	flows   bool // the answer has begun, and is none that refuses
	failed  func(*Server)
}

// begin counts a request.
func (s *Server) begin(r *Request) run {
	if r.Aside {
		return run{}
	}
	s.running.Add(1)
	b := r.breaker
	if b == nil {
		b = &s.breaker
	}
	return run{server: s, breaker: b, caller: r.caller, how: r.how, epoch: b.begin(r.how), failed: r.failed}
}

// flow notes that the answer has begun. It is called once, by whoever reads.
func (r *run) flow() {
	if r.server != nil && !r.breaker.blind() {
		r.flows = true
		r.breaker.flows(time.Now(), r.caller)
	}
}

// end ends the run. It is called once.
func (r *run) end() {
	if s := r.server; s != nil {
		s.running.Add(-1)
		r.breaker.end(r.caller, r.how, r.flows)
	}
}

// judge lets the server be judged by v. It is called once at most.
func (r *run) judge(v verdict) {
	s := r.server
	if s == nil || v == saysNothing {
		return
	}
	if v == wentWrong && r.failed != nil {
		r.failed(s)
	}
	if b := r.breaker; !b.blind() && b.record(time.Now(), r.epoch, r.caller, v == wentWrong) {
		s.tell(b)
	}
}
