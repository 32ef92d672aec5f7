package mockvllm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The ways in which a request ends without an answer.
var (
	errGone   = errors.New("the client left")
	errClosed = errors.New("the server is closed")
	// errStruck ends a request whose fault has done everything itself, the
	// ledger included.
	errStruck = errors.New("a fault struck")
	// errCut stops the generation of a JSON answer that will be broken off.
	errCut = errors.New("the answer is cut")
)

// apiError is an error that is answered with a status and a JSON body.
type apiError struct {
	status  int
	kind    string // vLLM's type, such as "BadRequestError"
	param   string // "" is null
	message string

	body       string // replaces the rendered body
	retryAfter string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.kind, e.message) }

// invalid is the 400 of a request that does not validate; its message is format with args.
func invalid(param, format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusBadRequest, kind: "BadRequestError",
		param: param, message: fmt.Sprintf(format, args...),
	}
}

func unknownModel(name string) *apiError {
	return &apiError{
		status: http.StatusNotFound, kind: "NotFoundError", param: "model",
		message: fmt.Sprintf("The model `%s` does not exist.", name),
	}
}

// contextExceeded is vLLM's answer to a prompt and cap that do not fit.
func contextExceeded(context, input, output int64) *apiError {
	return invalid("input_tokens", "This model's maximum context length is %d tokens. However, "+
		"you requested %d output tokens and your prompt contains at least %d input tokens, for a "+
		"total of at least %d tokens. Please reduce the length of the input prompt or the "+
		"number of requested output tokens. (parameter=input_tokens, value=%[3]d)",
		context, output, input, input+output)
}

// errQueueFull is the answer to a request for which there is no room.
var errQueueFull = &apiError{
	status: http.StatusServiceUnavailable, kind: "ServiceUnavailableError",
	message: "The server is overloaded: its request queue is full. Please try again later.",
}

// errInternal is what vLLM says when generation fails.
var errInternal = &apiError{
	status: http.StatusInternalServerError, kind: "InternalServerError",
	message: "Internal server error",
}

// onRequest is the error that a behaviour asks for by its status.
func onRequest(b *Behavior) *apiError {
	e := &apiError{
		status: b.Status, kind: "BadRequestError", body: b.Body, retryAfter: b.RetryAfter,
		message: "This is the error that the request asked for.",
	}
	switch {
	case b.Status == http.StatusTooManyRequests:
		e.kind = "RateLimitError"
	case b.Status >= http.StatusInternalServerError:
		e.kind = "InternalServerError"
	}
	return e
}

// render returns the body, of Anthropic's shape or of OpenAI's unless it is given.
func (e *apiError) render(anthropic bool) []byte {
	switch {
	case e.body != "":
		return []byte(e.body)
	case anthropic:
		return fmt.Appendf(nil, `{"type":"error","error":{"type":%s,"message":%s}}`,
			quote(e.kind), quote(e.message))
	}
	param := "null"
	if e.param != "" {
		param = quote(e.param)
	}
	return fmt.Appendf(nil, `{"error":{"message":%s,"type":%s,"param":%s,"code":%d}}`,
		quote(e.message), quote(e.kind), param, e.status)
}

// quote returns s as a JSON string; bytes that are not UTF-8 are replaced.
func quote(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s)
	return string(quoted)
}

// list returns item(0) to item(n-1) with commas between them.
func list(n int, item func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item(i))
	}
	return b.String()
}
