package app

import (
	"net/http"
	"time"
)

// answerPatience is how long a client of HTTP/2 may take for a part of an answer.
const answerPatience = time.Minute

// patient bounds how long an answer waits for its client, who decides in HTTP/2
// how much may be sent on a stream: nothing, if he likes, where a short answer of
// HTTP/1 always fits into the connection's buffers. A handler that sets deadlines
// of its own is left to them, until it has returned.
type patient struct {
	http.ResponseWriter
	extended time.Time // when the deadline was last moved on
	left     bool      // to the handler's own deadlines
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// SetWriteDeadline is for http.ResponseController.
func (p *patient) SetWriteDeadline(t time.Time) error {
	p.left = true
	return http.NewResponseController(p.ResponseWriter).SetWriteDeadline(t)
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	if !p.left && time.Since(p.extended) > answerPatience/8 {
		p.extend()
	}
	return p.ResponseWriter.Write(b)
}

// extend moves the deadline on.
func (p *patient) extend() {
	p.extended = time.Now()
	// A stream that cannot have deadlines is one that a test made up.
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(p.extended.Add(answerPatience))
}
