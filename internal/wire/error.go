package wire

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// ErrorTextMax bounds each text in an error body, in bytes. Longer ones are cut.
const ErrorTextMax = 1024

// ErrorBody is what a client is told of a failure, before it has the shape of an endpoint.
type ErrorBody struct {
	Status int    // of HTTP, 400 to 599
	Type   string // OpenAI's class of error, such as "invalid_request_error"
	Code   string // what programs compare, such as "rate_limit_exceeded"; empty: none
	Why    *failure.Error
}

// AppendRest appends what every shape has in common: the code, what is known of limits and of the
// wait, and two braces.
func (b ErrorBody) AppendRest(dst []byte) []byte {
	dst = AppendQuotedOrNull(append(dst, `,"code":`...), b.Code)
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
	dst = AppendQuoted(append(dst, `"meter":`...), l.Meter)
	dst = strconv.AppendInt(append(dst, `,"limit":`...), l.Max, 10)
	dst = AppendQuotedOrNull(append(dst, `,"window":`...), l.Window)
	return AppendQuotedOrNull(append(dst, `,"scope":`...), l.Scope)
}

// appendUse appends what is used of the limit, what remains, and what the request needs of it.
func appendUse(dst []byte, l *failure.Limit) []byte {
	dst = strconv.AppendInt(append(dst, `,"used":`...), l.Used, 10)
	dst = strconv.AppendInt(append(dst, `,"remaining":`...), l.Remaining, 10)
	if l.Need == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, `,"need":`...), l.Need, 10)
}

// AppendQuoted appends s as a JSON string of at most ErrorTextMax bytes of text.
func AppendQuoted(dst []byte, s string) []byte {
	if len(s) > ErrorTextMax {
		s = s[:ErrorTextMax]
	}
	// The error is about invalid UTF-8, which it has replaced.
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// AppendQuotedOrNull is AppendQuoted, but for the empty text, which is null.
func AppendQuotedOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return AppendQuoted(dst, s)
}
