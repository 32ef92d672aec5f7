package upstream

import (
	"context"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

// What is sent and comes back as it does without a pool.
type (
	ClientRequest = httpclient.Request
	Field         = httpclient.Field
	Header        = httpclient.Header
)

// Request is what is sent, and what a pool needs to know of it.
type Request struct {
	// ClientRequest is what is sent. A [Pool] counts the time limits over all the servers
	// that it asks.
	ClientRequest

	// Bodies, if not nil, says what Body is for each model server that a [Pool]
	// sends the request to.
	Bodies Bodies

	// Server is the name of the model server that a [Pool] asks first, if it can be
	// asked; empty: the least busy one.
	Server string

	// Caller names the user that the request is for, so that one whose requests fail is told from a
	// server that does. Only a hash of it is kept. Requests without a name are one caller's.
	Caller string

	// Aside tells that the request generates nothing: a check, a look at the list, a question. Its
	// outcome says nothing of others: it is not counted and not judged, and a [Pool] sends it to
	// nobody whose breaker is not closed.
	Aside bool

	// Explain, if not nil, is told of every try of a [Pool]. The goroutine that has
	// called Do calls it.
	Explain func(Try)

	// failed, if not nil, is told of a failure of the server.
	failed func(*Server)
	caller uint64 // stands for Caller; a Pool sets it
	how    way    // it comes to the server
	// breaker judges the server by it; nil: the server's own. A Pool sets it.
	breaker *breaker
}

// Bodies is what a request says to model servers that are not told the same.
type Bodies interface {
	// BodyFor returns the body for the server with that name. What it has returned
	// for another one is no longer read.
	BodyFor(server string) []byte
}

// since returns what is sent of r, whose time limits begin now unless they have before.
func (r *Request) since(now time.Time) ClientRequest {
	sent := r.ClientRequest
	if sent.Begun.IsZero() {
		sent.Begun = now
	}
	return sent
}

// Response is the final response to a request. Its body must be read to the end or closed.
type Response struct {
	httpclient.Response
	Server string // the name of the model server that sent it
	Body   *Body

	body Body
}

// Do sends r and waits for the head of the final response, whatever its status. Errors are of type
// [*Error]. The context covers the body too: its end closes the connection at once.
func (s *Server) Do(ctx context.Context, r *Request) (*Response, error) {
	sent := r.since(time.Now())
	response, failure := s.do(ctx, r, &sent)
	if failure != nil {
		return nil, failure
	}
	return response, nil
}

// do sends what is sent of r.
func (s *Server) do(ctx context.Context, r *Request, sent *ClientRequest) (*Response, *Error) {
	running := s.begin(r)
	got, err := s.client.Do(ctx, *sent)
	if err != nil {
		failure := asError(err)
		running.end()
		running.judge(failure.sign())
		return nil, failure
	}
	response := &Response{Response: got, Server: s.name, body: Body{Body: got.Body, run: running}}
	response.Body = &response.body
	if v, ok := signOf(got.Status); ok {
		response.Body.judge(v)
	}
	return response, nil
}
