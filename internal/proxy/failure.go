package proxy

import (
	"errors"
	"io"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/event"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// task is what a model server had to do when it failed, in the words of messages.
type task string

const (
	answering task = "answer"            // nothing of its answer has come
	finishing task = "finish its answer" // a part of it has
)

// errNoEnd ends a stream that was closed before its last event.
var errNoEnd = errors.New("the stream ended before its last event")

// failed returns what a failure of model servers means for the client. It is the one table of
// that; what a model server has said itself never comes here. The cause is for the log, and
// quotes nothing of what clients and model servers write.
func (x *exchange) failed(at task, err error) *failure.Error {
	var e *upstream.Error
	var coding *codingError
	switch {
	case err == sse.ErrNoRoom:
		return failure.OverCapacity(bytesWait)
	case err == sse.ErrTooLarge:
		return failure.Upstream("the model server sent an event of more than %d bytes, "+
			"the most that is taken: ask for less in one event (logprobs, n)", sse.EventBytesMax)
	case errors.As(err, &coding):
		return failure.Upstream("%v", coding)
	case errors.As(err, &e):
		return x.unreached(at, e).Because(err)
	}
	return failure.Upstream(brokeOff).Because(err)
}

// brokeOff is what the client is told of an answer of which no more is known.
const brokeOff = "the model server's answer broke off, or is none"

// unreached is failed for what connections tell.
func (x *exchange) unreached(at task, e *upstream.Error) *failure.Error {
	switch {
	case e.Scarce():
		return failure.NoDescriptor(unavailableWait)
	case e.Kind == upstream.Busy:
		wait := x.h.herd.spread(x.model.Policy.Model(), capacityWait, x.begun)
		return failure.AtCapacity(x.model.Name, wait)
	case e.Kind == upstream.Refused, e.Kind == upstream.Away,
		e.Kind == upstream.Timeout && e.Phase == upstream.Connect:
		return failure.NoServer(x.model.Name, unavailableWait)
	case e.Kind == upstream.Timeout:
		return failure.UpstreamTimeout("the model server did not %s in time", at)
	case e.Kind == upstream.Closed:
		return failure.Upstream("the model server closed the connection without an answer")
	}
	return failure.Upstream(brokeOff)
}

// badStatus says that an answer is none by its status; err says what else is wrong with it,
// nil: nothing.
func badStatus(status int, err error) *failure.Error {
	if err != nil {
		return failure.Upstream("the model server answered with status %d: %v", status, err)
	}
	return failure.Upstream("the model server answered with status %d", status)
}

// saidInStream returns what the first event of a stream tells the client that is an error: the
// model server's own words.
func saidInStream(e *event.Error) *failure.Error {
	if e.Blames() {
		return failure.ModelServer(failure.Foreign{}, "the model server failed: "+e.Message)
	}
	said := failure.Foreign{Status: e.Status, Type: e.Type, Code: e.Code}
	return failure.ModelServer(said, e.Message)
}

// brokenStream returns what to tell the client of a stream whose reading ended with err,
// before its end. What the model server says in it of its failure is for the client only.
func (x *exchange) brokenStream(err error) *failure.Error {
	if _, failed := x.stream.Failure(); failed && err != sse.ErrNoRoom {
		return failure.Upstream("the model server said in the stream that it has failed")
	}
	if err == io.EOF {
		err = errNoEnd
	}
	return x.failed(finishing, err)
}
