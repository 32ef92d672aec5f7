package openai

import (
	"net/http"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// StreamError is an error that a model server reported inside of a stream whose
// status was 200.
type StreamError struct {
	// Status is the HTTP status that the server means, 0 where it tells none.
	Status int
	// Type and Code are the server's words, such as "BadRequestError" and
	// "server_error"; empty where it says nothing.
	Type, Code string
	// Message is for people, cut to 1 KiB. It may quote the request: show
	// it to the client only.
	Message string
	// First is set where the error was the first event with data: nothing
	// of an answer has been relayed.
	First bool
}

// Blames reports whether it is the model server that has failed, and not the
// request that is wrong.
func (e *StreamError) Blames() bool { return e.Status < 400 || e.Status >= 500 }

// Error returns the message.
func (e *StreamError) Error() string { return "model server: " + e.Message }

// Failure returns the first error that the stream has reported.
func (s *Stream) Failure() (*StreamError, bool) {
	if !s.failed {
		return nil, false
	}
	return &s.failure, true
}

// Fail notes the error that the current event tells.
func (s *Stream) fail(e StreamError) {
	if !s.failed {
		e.First = s.first
		s.failed, s.failure = true, e
	}
}

// readFailure reports whether the event says that the stream has failed. The
// shapes: an error member (OpenAI, vLLM, Anthropic), an object that is an error
// (older vLLM: "object":"error"; Responses: "type":"error"), an event of the
// Name error. An answer that failed by itself (response.failed) is no such
// event; it has a usage and is read as others are.
func (s *Stream) readFailure(ev *sse.Event, env *envelope) bool {
	var nested envelope
	switch {
	case nested.nested(env.data, env.values[fieldError]):
		s.fail(nested.streamError())
	case env.has(fieldError):
		s.fail(StreamError{Message: boundedText(env.unquoted(fieldError))})
	case string(env.inner(fieldObject)) == "error",
		string(env.inner(fieldType)) == "error",
		string(ev.Name) == "error":
		s.fail(env.streamError())
	default:
		return false
	}
	return true
}

// streamError reads an error object.
func (e *envelope) streamError() StreamError {
	err := StreamError{
		Type:    boundedText(e.unquoted(fieldType)),
		Code:    boundedText(e.unquoted(fieldCode)),
		Message: boundedText(e.unquoted(fieldMessage)),
	}
	if code, ok := e.count(fieldCode); ok {
		if code >= http.StatusBadRequest && code < 600 {
			err.Status = int(code)
		}
	}
	return err
}

// unquoted returns the text of a member that is a string, the JSON text of any
// other value, and nothing for null.
func (e *envelope) unquoted(f field) []byte {
	if inner := e.inner(f); inner != nil {
		return jsonscan.AppendUnescaped(nil, inner)
	}
	if !e.has(f) {
		return nil
	}
	return e.raw(f)
}

// boundedText returns at most errorTextMax bytes of b, cut between characters.
func boundedText(b []byte) string {
	if len(b) > errorTextMax {
		b = b[:errorTextMax]
		for n := 1; n < utf8.UTFMax && len(b) > n; n++ {
			if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
				if !utf8.FullRune(last) {
					b = b[:len(b)-n]
				}
				break
			}
		}
	}
	return string(b)
}
