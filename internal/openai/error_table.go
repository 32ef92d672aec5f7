package openai

import (
	"fmt"
	"net/http"
	"time"
)

// The types of OpenAI's error objects for what is the client's fault and for
// what is not.
const (
	typeInvalidRequest = "invalid_request_error"
	typeServer         = "server_error"
)

// Exhausted says what ran out when a request is answered 429.
type Exhausted string

// What a 429 can be about; its error type.
const (
	TokensExhausted      Exhausted = "tokens"      // a limit on tokens, input tokens or output tokens
	RequestsExhausted    Exhausted = "requests"    // a limit on requests
	ConcurrencyExhausted Exhausted = "concurrency" // a limit on concurrent requests
	CapacityExhausted    Exhausted = "capacity"    // no limit: every model server's queue is full
)

// InvalidRequest is the 400 for a body or a member that cannot be read; param
// names the member, empty: the body as a whole.
func InvalidRequest(param, format string, args ...any) *Error {
	e := clientError(http.StatusBadRequest, "invalid_request", format, args...)
	e.Param = param
	return e
}

// RequestExceedsLimit is the 400 for a request that needs so many tokens at
// least (its input, and where the output is bounded the least of that too), more
// than the limit can ever admit. Trying again is useless. Where a member insists
// on most of that, limit.Lower names it.
func RequestExceedsLimit(least int64, limit Denied) *Error {
	remedy := "shorten it"
	if limit.Lower != "" {
		remedy = "lower its " + limit.Lower
	}
	e := clientError(http.StatusBadRequest, "request_exceeds_limit",
		"the request needs at least %d tokens, more than %s: %s, or ask for a higher limit", least, limit.name(), remedy)
	e.Denied = []Denied{limit}
	return e
}

// EstimateExceedsLimit is RequestExceedsLimit where so many tokens are what the
// input is estimated at, or its declared price, and nobody has counted it.
func EstimateExceedsLimit(estimate int64, limit Denied) *Error {
	e := clientError(http.StatusBadRequest, "request_exceeds_limit",
		"the request is estimated at %d tokens, more than %s, and the model server has not told their number: "+
			"shorten it, or ask for a higher limit", estimate, limit.name())
	e.Denied = []Denied{limit}
	return e
}

// InvalidKey is the 401 for a credential that is missing or not known.
func InvalidKey(format string, args ...any) *Error {
	return clientError(http.StatusUnauthorized, "invalid_api_key", format, args...)
}

// PermissionDenied is the 403 for what the caller may not do, and for a limit of 0.
func PermissionDenied(format string, args ...any) *Error {
	return clientError(http.StatusForbidden, "permission_denied", format, args...)
}

// ModelNotFound is the 404 for a model that is not served, or not to the caller.
func ModelNotFound(model string) *Error {
	e := clientError(http.StatusNotFound, "model_not_found",
		"the model %s does not exist: GET /v1/models lists those that you may use", quoted(model))
	e.Param = "model"
	return e
}

// NotFound is the 404 for a path that is no endpoint. It names the one whose end the path
// has, as where a client's base URL is with or without /v1 and should not be.
func NotFound(path string) *Error {
	if meant := endpointAtEnd(path); meant != "" {
		return clientError(http.StatusNotFound, "not_found", "there is nothing at %s: where %s is meant, look at the client's base URL", quoted(path), meant)
	}
	return clientError(http.StatusNotFound, "not_found", "there is nothing at %s", quoted(path))
}

// MethodNotAllowed is the 405 for a path that wants another method.
func MethodNotAllowed(method, allowed string) *Error {
	return clientError(http.StatusMethodNotAllowed, "method_not_allowed",
		"the method %s is not allowed here: use %s", quoted(method), allowed)
}

// BodyTimeout is the 408 for a body that did not arrive in time.
func BodyTimeout(limit time.Duration) *Error {
	return clientError(http.StatusRequestTimeout, "request_timeout",
		"the request body did not arrive within %s", limit)
}

// BodyTooLarge is the 413 for a body of more than bytesMax bytes.
func BodyTooLarge(bytesMax int64) *Error {
	return clientError(http.StatusRequestEntityTooLarge, "request_too_large",
		"the request body is larger than %d bytes, the server's max-body-bytes", bytesMax)
}

// UnsupportedMediaType is the 415 for a body that is not plain JSON by its headers.
func UnsupportedMediaType(format string, args ...any) *Error {
	return clientError(http.StatusUnsupportedMediaType, "unsupported_media_type", format, args...)
}

// RateLimited is the 429 for a request that limits have no room for now. It
// takes the limits with the longest wait first, at least one; the wait until
// all have room, jitter included, is retryAfter.
func RateLimited(what Exhausted, denied []Denied, retryAfter time.Duration) *Error {
	e := &Error{
		Status: http.StatusTooManyRequests, Type: string(what), Code: "rate_limit_exceeded",
		Denied: denied, RetryAfter: retryAfter,
	}
	e.Message = fmt.Sprintf("%s; try again in %d s", denied[0].state(what), e.RetryAfterSeconds())
	if lower := denied[0].Lower; lower != "" {
		e.Message += "; a lower " + lower + " fits sooner"
	}
	return e
}

// AtCapacity is the 429 for a model whose servers all have full queues.
func AtCapacity(model string, retryAfter time.Duration) *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Type: string(CapacityExhausted), Code: "rate_limit_exceeded",
		Message:    fmt.Sprintf("every server of the model %s has a full queue; try again later", quoted(model)),
		RetryAfter: retryAfter,
	}
}

// UpstreamError is the 502 for an answer of the model server that is none.
func UpstreamError(format string, args ...any) *Error {
	return serverError(http.StatusBadGateway, "upstream_error", 0, format, args...)
}

// UpstreamTimeout is the 504 for a model server that did not answer in time.
func UpstreamTimeout(format string, args ...any) *Error {
	return serverError(http.StatusGatewayTimeout, "upstream_timeout", 0, format, args...)
}

// ModelUnavailable is the 503 for a model of which no server is healthy.
func ModelUnavailable(model string, retryAfter time.Duration) *Error {
	return serverError(http.StatusServiceUnavailable, "model_unavailable", retryAfter,
		"no server of the model %s is available; try again later", quoted(model))
}

// StoreUnavailable is the 503 for limits that cannot be checked.
func StoreUnavailable(retryAfter time.Duration) *Error {
	return serverError(http.StatusServiceUnavailable, "store_unavailable", retryAfter,
		"the limits cannot be checked now; try again later")
}

// OverCapacity is the 503 for a request that the gateway has no bytes left for: it holds
// as much of bodies and answers as it may.
func OverCapacity(retryAfter time.Duration) *Error {
	return serverError(http.StatusServiceUnavailable, "over_capacity", retryAfter,
		"the gateway holds as many bytes of bodies and answers as it may, server.max-buffered-bytes; try again later")
}

// NoDescriptor is the 503 of a gateway that has no file descriptor left for a connection to
// a model server.
func NoDescriptor(retryAfter time.Duration) *Error {
	return serverError(http.StatusServiceUnavailable, "over_capacity", retryAfter,
		"the gateway has no file descriptor left for a connection to a model server; try again later")
}

// ShuttingDown is the 503 of a replica that takes no more requests.
func ShuttingDown(retryAfter time.Duration) *Error {
	return serverError(http.StatusServiceUnavailable, "shutting_down", retryAfter,
		"this replica is shutting down; try again")
}

// Internal is the 500 for a fault of the gateway itself. What went wrong
// belongs in the log, under the request's id.
func Internal() *Error {
	return serverError(http.StatusInternalServerError, "internal_error", 0,
		"something went wrong here; the log has it under the request's X-Request-ID")
}

func clientError(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Type: typeInvalidRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func serverError(status int, code string, retryAfter time.Duration, format string, args ...any) *Error {
	return &Error{Status: status, Type: typeServer, Code: code, Message: fmt.Sprintf(format, args...), RetryAfter: retryAfter}
}

// quotedMax bounds what an error message quotes of a request, in characters.
const quotedMax = 64

// quoted returns s in quotes, cut after quotedMax characters.
func quoted(s string) string {
	if len(s) > quotedMax {
		return fmt.Sprintf("%.*q…", quotedMax, s)
	}
	return fmt.Sprintf("%q", s)
}
