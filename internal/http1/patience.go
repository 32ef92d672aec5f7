package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// CutOff ends the connection at once, whatever is being read from it or written to it.
// Any goroutine may call it until the handler has returned.
func (w *response) CutOff() { w.c.cut() }

// Patient bounds how long an answer of net/http's waits for its client: each part
// of it for the given time. In HTTP/2 a client decides how much may be sent on a
// stream: nothing, if he likes. In HTTP/1.1 one that sends requests without reading the
// answers fills the connection's buffers, after which the shortest answer waits. A handler
// that sets deadlines of its own keeps to them, until it has returned.
func Patient(next http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patient{ResponseWriter: w, patience: patience}
		p.control = http.NewResponseController(w)
		p.extend()       // the connection may have the deadline of the request before
		defer p.extend() // the rest is written when the handler has returned
		next.ServeHTTP(p, r)
	})
}

// patient is the http.ResponseWriter of such an answer.
type patient struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	extended time.Time // when the deadline was last moved on
	own      bool      // deadlines of the handler's count
	cut      atomic.Bool
}

// CutOff ends the connection, or the stream of HTTP/2, as that of a response does. The deadlines
// that the handler may be about to set come before its own, or see that it has come.
func (p *patient) CutOff() {
	p.cut.Store(true)
	p.expire()
}

// expire ends what is read and written now.
func (p *patient) expire() {
	_ = p.control.SetReadDeadline(longAgo)
	_ = p.control.SetWriteDeadline(longAgo)
}

// expireIfCut is called behind each deadline, which may have come behind the one of CutOff.
func (p *patient) expireIfCut() {
	if p.cut.Load() {
		p.expire()
	}
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// SetReadDeadline is for http.ResponseController.
func (p *patient) SetReadDeadline(t time.Time) error {
	defer p.expireIfCut()
	return p.control.SetReadDeadline(t)
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// SetWriteDeadline is for http.ResponseController. The zero time stands for the patience.
func (p *patient) SetWriteDeadline(t time.Time) error {
	if p.own = !t.IsZero(); !p.own {
		p.extend()
		return nil
	}
	defer p.expireIfCut()
	return p.control.SetWriteDeadline(t)
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	if !p.own && time.Since(p.extended) > p.patience/8 {
		p.extend()
	}
	return p.ResponseWriter.Write(b)
}

// extend moves the deadline on.
func (p *patient) extend() {
	p.extended = time.Now()
	// A stream that cannot have deadlines is one that a test made up.
	_ = p.control.SetWriteDeadline(p.extended.Add(p.patience))
	p.expireIfCut()
}

// extendWrites has writes of the connection fail that wait for the client for longer
// than the server's patience, or up to an eighth more.
func (c *conn) extendWrites() error {
	return c.setWriteDeadline(extended(c.writeUntil, c.server.patience))
}

func (c *conn) setWriteDeadline(t time.Time) error {
	if t.Equal(c.writeUntil) {
		return nil
	}
	c.writeUntil = t
	return c.SetWriteDeadline(t)
}
