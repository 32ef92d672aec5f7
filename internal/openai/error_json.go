package openai

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// errorTextMax bounds each text in an error body, in bytes. Longer ones are cut.
const errorTextMax = 1024

// AppendJSON appends the error's body in the shape that clients of the endpoint
// expect. The zero endpoint, of an unknown path, has OpenAI's:
//
//	{"error":{"message":…,"type":…,"param":…,"code":…}}
//
// in which param and code are null when empty. Anthropic's endpoints have
//
//	{"type":"error","error":{"type":…,"message":…,"code":…}}
//
// with Anthropic's type for the status. Behind these members come, where the
// error has them, meter, limit, window (null for concurrent requests), scope,
// used, remaining, need (not for concurrent requests) and retry_after in
// seconds, and where several limits were in the way limits, a list of all.
// Texts that are not UTF-8 are mended.
func (e *Error) AppendJSON(dst []byte, endpoint Endpoint) []byte {
	if endpoint.Anthropic() {
		dst = append(dst, `{"type":"error","error":{"type":`...)
		dst = appendQuoted(dst, anthropicType(e.Status))
		dst = append(dst, `,"message":`...)
		dst = appendQuoted(dst, e.Message)
	} else {
		dst = append(dst, `{"error":{"message":`...)
		dst = appendQuoted(dst, e.Message)
		dst = append(dst, `,"type":`...)
		dst = appendQuoted(dst, e.Type)
		dst = append(dst, `,"param":`...)
		dst = appendQuotedOrNull(dst, e.Param)
	}
	dst = append(dst, `,"code":`...)
	dst = appendQuotedOrNull(dst, e.Code)
	dst = e.appendDenied(dst)
	return append(dst, "}}"...)
}

// appendDenied appends the members about limits and waiting, each after a comma.
func (e *Error) appendDenied(dst []byte) []byte {
	if len(e.Denied) > 0 {
		dst = append(dst, ',')
		dst = e.Denied[0].appendLimit(dst)
		if e.Status == http.StatusTooManyRequests { // else the use does not matter
			dst = e.Denied[0].appendUse(dst)
		}
	}
	if e.RetryAfter > 0 {
		dst = append(dst, `,"retry_after":`...)
		dst = strconv.AppendInt(dst, e.RetryAfterSeconds(), 10)
	}
	if len(e.Denied) < 2 {
		return dst
	}
	dst = append(dst, `,"limits":[`...)
	for i := range e.Denied {
		dst = append(dst, '{')
		dst = e.Denied[i].appendUse(e.Denied[i].appendLimit(dst))
		dst = append(dst, `,"retry_after":`...)
		dst = strconv.AppendInt(dst, ceilSeconds(e.Denied[i].RetryAfter), 10)
		dst = append(dst, "},"...)
	}
	dst[len(dst)-1] = ']'
	return dst
}

// appendLimit appends which limit it is, without braces.
func (d *Denied) appendLimit(dst []byte) []byte {
	dst = append(dst, `"meter":`...)
	dst = appendQuoted(dst, d.Meter)
	dst = append(dst, `,"limit":`...)
	dst = strconv.AppendInt(dst, d.Limit, 10)
	dst = append(dst, `,"window":`...)
	dst = appendQuotedOrNull(dst, d.Window)
	dst = append(dst, `,"scope":`...)
	return appendQuotedOrNull(dst, d.Scope)
}

// appendUse appends what is used of the limit, what is left, and what the
// request needs of it.
func (d *Denied) appendUse(dst []byte) []byte {
	dst = append(dst, `,"used":`...)
	dst = strconv.AppendInt(dst, d.Used, 10)
	dst = append(dst, `,"remaining":`...)
	dst = strconv.AppendInt(dst, d.Remaining, 10)
	if d.Need == 0 {
		return dst
	}
	dst = append(dst, `,"need":`...)
	return strconv.AppendInt(dst, d.Need, 10)
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
