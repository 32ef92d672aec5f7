package openai

import "net/http"

// appendAnthropicError appends Anthropic's error object, with Anthropic's type for the status.
func appendAnthropicError(dst []byte, b ErrorBody) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = appendQuoted(dst, anthropicType(b.Status))
	dst = append(dst, `,"message":`...)
	dst = appendQuoted(dst, b.Why.Message)
	return b.appendRest(dst)
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
