package upstream

import (
	"net/http"
	"time"
)

// sign is what the end of a request says about its model server.
type sign uint8

const (
	saysNothing sign = iota // the client has left, or was wrong
	wentWell
	wentWrong
)

// sign returns what e says about the server.
func (e *Error) sign() sign {
	if e.ours() || e.Short {
		return saysNothing
	}
	return wentWrong
}

// signOf returns what a status says about the server, whatever becomes of the
// body; ok is false where the body will tell. 503 may be a full queue: whoever
// has asked finds out, and until then it is an answer that has not ended.
func signOf(status int) (s sign, ok bool) {
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
	epoch := b.begin(r.how)
	return run{server: s, breaker: b, caller: r.caller, epoch: epoch, how: r.how, failed: r.failed}
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

// judge lets the server be judged by what the end says. It is called once at most.
func (r *run) judge(says sign) {
	s := r.server
	if s == nil || says == saysNothing {
		return
	}
	if says == wentWrong && r.failed != nil {
		r.failed(s)
	}
	if b := r.breaker; !b.blind() && b.record(time.Now(), r.epoch, r.caller, says == wentWrong) {
		s.tell(b)
	}
}
