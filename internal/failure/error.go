package failure

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Error says why a request is not served. It is immutable once made, and may be shared.
type Error struct {
	Kind    Kind
	Message string // for people: the thing, its value and the remedy
	Param   string // the member of the request that it is about; empty: none
	// Limits are those that have no room for the request, now or ever, the longest wait first.
	Limits    []Limit
	Exhausted Exhausted // says what has run out, for [KindRateLimited]; else it is empty
	// RetryAfter is how long to wait before another try; 0: that is no help, or nothing is known.
	RetryAfter time.Duration
	// Foreign is what the model server said, for [KindModelServer]; else nil. Message is the
	// model server's too then, and may quote the request: it is for its client only.
	Foreign *Foreign

	cause error // see Because
}

// Foreign is an error in a model server's own words.
type Foreign struct {
	Status     int // of HTTP, that the model server means; 0: it says that it has failed itself
	Type, Code string
}

// Error returns the message and the cause, for logs, without what a model server has said.
func (e *Error) Error() string {
	text := e.Message
	switch {
	case e.Foreign != nil && e.Foreign.Status == 0:
		text = "the model server told the client that it has failed"
	case e.Foreign != nil:
		const foreign = "the model server told the client an error of status %d"
		text = fmt.Sprintf(foreign, e.Foreign.Status)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Because returns the error with its cause, which is for logs alone: it is not unwrapped.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Of returns the Error that err is or wraps. A context that its client has ended is
// [KindClientLeft], and everything else [KindInternal].
func Of(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return &Error{Kind: KindClientLeft, Message: "the client has left"}
	}
	return Internal()
}
