package openai

import (
	"net/http"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// StreamError is an error that a model server reported inside of a stream whose
// status was 200.
type StreamError struct {
	// Status is the HTTP status that the server means, 0 where it tells none.
	Status int
	// Type and Code are the server's own, such as "BadRequestError" and
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

// failure returns the error that an event of that name tells, and whether it tells one. The
// shapes: an error member (OpenAI, vLLM, Anthropic), an object that is an error (older vLLM:
// "object":"error"; Responses: "type":"error"), an event of the name error. An answer that
// failed by itself (response.failed) is no such event; it has a usage and is read as others
// are.
func (e *envelope) failure(name []byte) (told StreamError, ok bool) {
	var nested envelope
	switch {
	case nested.nested(e.data, e.values[fieldError]):
		return nested.streamError(), true
	case e.has(fieldError):
		return StreamError{Message: boundedText(e.unquoted(fieldError))}, true
	case string(e.inner(fieldObject)) == "error",
		string(e.inner(fieldType)) == "error",
		string(name) == "error":
		return e.streamError(), true
	}
	return told, false
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
