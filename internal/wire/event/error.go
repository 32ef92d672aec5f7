package event

import (
	"net/http"
	"unicode/utf8"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// Error is an error that a model server reported inside of a stream whose status was 200.
type Error struct {
	// Status is the HTTP status that the server means, 0 where it tells none.
	Status int
	// Type and Code are the server's own, such as "BadRequestError" and "server_error"; empty
	// where it says nothing.
	Type, Code string
	// Message is for people, cut to 1 KiB. It may quote the request: show it to the client only.
	Message string
	// First is set where the error was the first event with data: nothing of an answer has been
	// relayed.
	First bool
}

// Blames reports whether it is the model server that has failed, and not the request that is wrong.
func (e *Error) Blames() bool { return e.Status < 400 || e.Status >= 500 }

// Error returns the message.
func (e *Error) Error() string { return "model server: " + e.Message }

// Failure returns the error that an event of that name tells, and whether it tells one. The
// shapes: an error member (OpenAI, vLLM, Anthropic), an object that is an error (older vLLM:
// "object":"error"; Responses: "type":"error"), an event of the name error. An answer that failed
// by itself (response.failed) is no such event; it has a usage and is read as others are.
func (e *Envelope) Failure(name []byte) (told Error, ok bool) {
	var nested Envelope
	switch {
	case nested.Nested(e, MemberError):
		return nested.ErrorObject(), true
	case e.Has(MemberError):
		return Error{Message: BoundedText(e.unquoted(MemberError))}, true
	case string(e.Inner(memberObject)) == "error",
		string(e.Inner(MemberType)) == "error",
		string(name) == "error":
		return e.ErrorObject(), true
	}
	return told, false
}

// ErrorObject reads an error object.
func (e *Envelope) ErrorObject() Error {
	err := Error{
		Type:    BoundedText(e.unquoted(MemberType)),
		Code:    BoundedText(e.unquoted(memberCode)),
		Message: BoundedText(e.unquoted(MemberMessage)),
	}
	if code, ok := e.Count(memberCode); ok {
		if code >= http.StatusBadRequest && code < 600 {
			err.Status = int(code)
		}
	}
	return err
}

// unquoted returns the text of a member that is a string, the JSON text of any other value, and
// nothing for null.
func (e *Envelope) unquoted(f Member) []byte {
	if inner := e.Inner(f); inner != nil {
		return jsonscan.AppendUnescaped(nil, inner)
	}
	if !e.Has(f) {
		return nil
	}
	return e.raw(f)
}

// BoundedText returns at most ErrorTextMax bytes of b, cut between characters.
func BoundedText(b []byte) string {
	if len(b) > wire.ErrorTextMax {
		b = b[:wire.ErrorTextMax]
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
