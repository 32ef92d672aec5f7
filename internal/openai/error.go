package openai

import (
	"errors"
	"fmt"
	"time"
)

// Error is an answer that the gateway gives itself: a status and what its body
// says. It renders as OpenAI's or as Anthropic's error object, so that the
// clients' libraries raise their own exception types.
//
// Messages name the thing, its value and what to do about it, and quote nothing
// of a prompt. An Error is immutable once made and may be shared.
type Error struct {
	Status  int    // of HTTP, 400 to 599
	Type    string // OpenAI's class of error, such as "invalid_request_error"; for a 429 what is exhausted: see [RateLimited]
	Code    string // what programs compare, such as "rate_limit_exceeded"
	Param   string // the request member it is about; empty: none
	Message string // for people
	// Foreign says that Message is the model server's own. It may quote the
	// request, and so is for its client only: Error leaves it out.
	Foreign bool

	// Denied lists the limits that a 429, or a request that can never fit,
	// ran into, the longest wait first. The body shows the first one in
	// full, and all of them where there are several.
	Denied []Denied
	// RetryAfter is how long to wait before trying again; 0: trying again
	// does not help, or nothing is known.
	RetryAfter time.Duration
}

// Denied is one limit that had no room for a request.
type Denied struct {
	Meter      string // what the limit counts, such as "tokens"
	Window     string // "minute", "hour", "day"; empty for a number of concurrent requests
	Scope      string // whom it applies to: "user", or "model" for all users together
	Limit      int64
	KeptBack   int64 // how much of Limit is not for admission
	Used       int64
	Remaining  int64         // of what is for admission
	Need       int64         // what the request is charged at, of Meter; 0 for a number of concurrent requests
	Lower      string        // the request member by which most of Need can be lowered; empty: none
	RetryAfter time.Duration // until this limit has room
}

// Error returns the message, for logs and for wrapping.
func (e *Error) Error() string {
	if e.Foreign {
		return fmt.Sprintf("the model server told the client an error of status %d", e.Status)
	}
	return e.Message
}

// ErrorOf returns the answer that tells a client of err: the one that it wraps, or else
// [Internal].
func ErrorOf(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Internal()
}

// RetryAfterSeconds returns [Error.RetryAfter] in whole seconds, rounded up, as
// the header Retry-After wants it: at least 1, or 0 where there is none.
func (e *Error) RetryAfterSeconds() int64 { return ceilSeconds(e.RetryAfter) }

func ceilSeconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d + time.Second - 1) / time.Second)
}
