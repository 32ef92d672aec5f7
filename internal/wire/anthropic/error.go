package anthropic

import (
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// AppendError appends Anthropic's error object, with Anthropic's type for the status.
func AppendError(dst []byte, b wire.ErrorBody) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = wire.AppendQuoted(dst, anthropicType(b.Status))
	dst = append(dst, `,"message":`...)
	dst = wire.AppendQuoted(dst, b.Why.Message)
	return b.AppendRest(dst)
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
