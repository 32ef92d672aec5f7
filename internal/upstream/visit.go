package upstream

import (
	"net/http"
	"time"
)

// outcome is what the end of a request says about its model server.
type outcome uint8

const (
	saysNothing outcome = iota // whoever asked has left, or was wrong
	wentWell
	wentWrong
)

// outcome returns what e says about the server.
func (e *Error) outcome() outcome {
	if e.ours() || e.short {
		return saysNothing
	}
	return wentWrong
}

// outcomeOf returns what a status says about the server, whatever becomes of the
// body; ok is false where the body will tell. 503 may be a full queue: whoever
// has asked finds out, and until then it is an answer that has not ended.
func outcomeOf(status int) (o outcome, ok bool) {
	switch {
	case status >= 200 && status < 300, status == http.StatusServiceUnavailable:
		return saysNothing, false
	case status >= 400 && status < 500:
		return saysNothing, true
	}
	return wentWrong, true
}

// visit is a request at a server, from when it is sent there until its answer
// has ended, which is when the server is judged by it.
type visit struct {
	server  *Server // nil: not counted
	breaker *breaker
	caller  uint64
	epoch   uint32 // of the breaker, when it began
	how     way
	flows   bool // the answer has begun, and is none that refuses
	failed  func(*Server)
}

// begin counts a request.
func (s *Server) begin(r *Request) visit {
	if r.Aside {
		return visit{}
	}
	s.running.Add(1)
	b := r.breaker
	if b == nil {
		b = &s.breaker
	}
	return visit{server: s, breaker: b, caller: r.caller, how: r.how, epoch: b.begin(r.how), failed: r.failed}
}

// flow notes that the answer has begun. It is called once, by whoever reads.
func (v *visit) flow() {
	if v.server != nil && !v.breaker.blind() {
		v.flows = true
		v.breaker.flows(time.Now(), v.caller)
	}
}

// leave ends the visit. It is called once.
func (v *visit) leave() {
	if s := v.server; s != nil {
		s.running.Add(-1)
		v.breaker.end(v.caller, v.how, v.flows)
	}
}

// judge lets the server be judged by o. It is called once at most.
func (v *visit) judge(o outcome) {
	s := v.server
	if s == nil || o == saysNothing {
		return
	}
	if o == wentWrong && v.failed != nil {
		v.failed(s)
	}
	if b := v.breaker; !b.blind() && b.record(time.Now(), v.epoch, v.caller, o == wentWrong) {
		s.tell(b)
	}
}
