package openai

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// errorTextMax bounds each text in an error body, in bytes. Longer ones are cut.
const errorTextMax = 1024

// ErrorBody is what a client is told of a failure. It renders as OpenAI's or as Anthropic's
// error object, so that the clients' libraries raise their own exception types.
type ErrorBody struct {
	Status int    // of HTTP, 400 to 599
	Type   string // OpenAI's class of error, such as "invalid_request_error"
	Code   string // what programs compare, such as "rate_limit_exceeded"; empty: none
	Why    *failure.Error
}

// AppendJSON appends the body in the shape that clients of the endpoint expect. The zero
// endpoint, of an unknown path, has OpenAI's:
//
//	{"error":{"message":…,"type":…,"param":…,"code":…}}
//
// in which param and code are null when empty. Anthropic's endpoints have
//
//	{"type":"error","error":{"type":…,"message":…,"code":…}}
//
// with Anthropic's type for the status. Behind these members come, where the failure has
// them, meter, limit, window (null for concurrent requests), scope, used, remaining, need (not
// for concurrent requests) and retry_after in seconds, and where several limits were in the
// way limits, a list of all. Texts that are not UTF-8 are mended.
func (b ErrorBody) AppendJSON(dst []byte, endpoint Endpoint) []byte {
	if endpoint.Anthropic() {
		dst = append(dst, `{"type":"error","error":{"type":`...)
		dst = appendQuoted(dst, anthropicType(b.Status))
		dst = append(dst, `,"message":`...)
		dst = appendQuoted(dst, b.Why.Message)
	} else {
		dst = append(dst, `{"error":{"message":`...)
		dst = appendQuoted(dst, b.Why.Message)
		dst = append(dst, `,"type":`...)
		dst = appendQuoted(dst, b.Type)
		dst = append(dst, `,"param":`...)
		dst = appendQuotedOrNull(dst, b.Why.Param)
	}
	dst = append(dst, `,"code":`...)
	dst = appendQuotedOrNull(dst, b.Code)
	dst = b.appendLimits(dst)
	return append(dst, "}}"...)
}

// appendLimits appends the members about limits and waiting, each after a comma.
func (b ErrorBody) appendLimits(dst []byte) []byte {
	limits := b.Why.Limits
	if len(limits) > 0 {
		dst = append(dst, ',')
		dst = appendLimit(dst, &limits[0])
		if b.Status == http.StatusTooManyRequests { // else the use does not matter
			dst = appendUse(dst, &limits[0])
		}
	}
	if b.Why.RetryAfter > 0 {
		dst = append(dst, `,"retry_after":`...)
		dst = strconv.AppendInt(dst, failure.Seconds(b.Why.RetryAfter), 10)
	}
	if len(limits) < 2 {
		return dst
	}
	dst = append(dst, `,"limits":[`...)
	for i := range limits {
		dst = append(dst, '{')
		dst = appendUse(appendLimit(dst, &limits[i]), &limits[i])
		dst = append(dst, `,"retry_after":`...)
		dst = strconv.AppendInt(dst, failure.Seconds(limits[i].RetryAfter), 10)
		dst = append(dst, "},"...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendLimit appends which limit it is, without braces.
func appendLimit(dst []byte, l *failure.Limit) []byte {
	dst = append(dst, `"meter":`...)
	dst = appendQuoted(dst, l.Meter)
	dst = append(dst, `,"limit":`...)
	dst = strconv.AppendInt(dst, l.Max, 10)
	dst = append(dst, `,"window":`...)
	dst = appendQuotedOrNull(dst, l.Window)
	dst = append(dst, `,"scope":`...)
	return appendQuotedOrNull(dst, l.Scope)
}

// appendUse appends what is used of the limit, what is left, and what the request needs of it.
func appendUse(dst []byte, l *failure.Limit) []byte {
	dst = append(dst, `,"used":`...)
	dst = strconv.AppendInt(dst, l.Used, 10)
	dst = append(dst, `,"remaining":`...)
	dst = strconv.AppendInt(dst, l.Remaining, 10)
	if l.Need == 0 {
		return dst
	}
	dst = append(dst, `,"need":`...)
	return strconv.AppendInt(dst, l.Need, 10)
}

// anthropicType returns the error type that Anthropic's API documents for a
// status (https://docs.anthropic.com/en/api/errors).
func anthropicType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusServiceUnavailable:
		return "overloaded_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}

// appendQuoted appends s as a JSON string of at most errorTextMax bytes of text.
func appendQuoted(dst []byte, s string) []byte {
	if len(s) > errorTextMax {
		s = s[:errorTextMax]
	}
	// The error is about invalid UTF-8, which it has replaced.
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

func appendQuotedOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendQuoted(dst, s)
}
