package proxy

import (
	"errors"
	"io"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// failure is what a client is told, with the cause, which is for the log. That quotes
// nothing of what clients and model servers write.
type failure struct {
	told  *openai.Error
	cause error // nil: told says it
}

// Error has both.
func (f *failure) Error() string {
	if f.cause == nil {
		return f.told.Error()
	}
	return f.told.Error() + ": " + f.cause.Error()
}

// Unwrap returns what the client is told.
func (f *failure) Unwrap() error { return f.told }

// errNoEnd ends a stream that was closed before its last event.
var errNoEnd = errors.New("the stream ended before its last event")

// brokenStream returns what to tell the client of a stream whose reading ended with err,
// before its end. What the model server says in it of its failure is for the client only.
func (x *exchange) brokenStream(err error) *failure {
	_, failed := x.stream.Failure()
	switch {
	case err == sse.ErrNoRoom:
		return &failure{told: openai.OverCapacity(bytesWait)}
	case failed:
		return &failure{told: openai.UpstreamError("the model server said in the stream that it has failed")}
	case err == io.EOF:
		err = errNoEnd
	}
	return brokenOff(err)
}

// brokenOff returns what to tell the client of an answer whose reading ended
// with err.
func brokenOff(err error) *failure {
	var e *upstream.Error
	if errors.As(err, &e) && e.Kind == upstream.Timeout {
		return &failure{openai.UpstreamTimeout("the model server did not finish its answer in time"), err}
	}
	var c *codingError
	if errors.As(err, &c) {
		return &failure{told: openai.UpstreamError("%v", c)}
	}
	if err == sse.ErrTooLarge {
		return &failure{told: openai.UpstreamError("the model server sent an event of more than %d bytes, the most that is taken: ask for less in one event (logprobs, n)",
			sse.EventBytesMax)}
	}
	return &failure{answerBroke(), err}
}

// answerBroke is what the client is told of an answer of which no more is known.
func answerBroke() *openai.Error {
	return openai.UpstreamError("the model server's answer broke off, or is none")
}
