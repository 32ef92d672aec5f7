package anthropic

import (
	"cmp"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// AppendError appends Anthropic's error object, with Anthropic's type for the status.
func AppendError(dst []byte, b wire.ErrorBody) []byte {
	dst = wire.AppendQuoted(append(dst, `{"type":"error","error":{"type":`...), typeOf(b.Status))
	dst = wire.AppendQuoted(append(dst, `,"message":`...), b.Why.Message)
	return b.AppendRest(dst)
}

// types has the error types that Anthropic's API documents for statuses
// (https://docs.anthropic.com/en/api/errors), but for those of whole classes.
var types = map[int]string{
	http.StatusUnauthorized:          "authentication_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusServiceUnavailable:    "overloaded_error",
	http.StatusGatewayTimeout:        "timeout_error",
}

func typeOf(status int) string {
	if status >= http.StatusInternalServerError {
		return cmp.Or(types[status], "api_error")
	}
	return cmp.Or(types[status], "invalid_request_error")
}
