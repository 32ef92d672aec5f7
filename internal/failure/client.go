package failure

import (
	"fmt"
	"time"
)

// InvalidRequest is about a body or a member that cannot be used; param names the member,
// empty: the body as a whole, or a header field.
func InvalidRequest(param, format string, args ...any) *Error {
	e := of(KindInvalidRequest, format, args...)
	e.Param = param
	return e
}

// ExceedsLimit is about a request that needs at least so many tokens (its input, and where the
// output is bounded the least of that too), more than the limit can ever admit. Another try is
// useless. Where a member insists on most of that, l.Lower names it.
func ExceedsLimit(least int64, l Limit) *Error {
	remedy := "shorten it"
	if l.Lower != "" {
		remedy = "lower its " + l.Lower
	}
	e := of(KindExceedsLimit,
		"the request needs at least %d tokens, more than %s: %s, or ask for a higher limit",
		least, l.name(), remedy)
	e.Limits = []Limit{l}
	return e
}

// EstimateExceedsLimit is ExceedsLimit where so many tokens are what the input is estimated
// at, or its declared price, and nobody has counted it.
func EstimateExceedsLimit(estimate int64, l Limit) *Error {
	e := of(KindExceedsLimit,
		"the request is estimated at %d tokens, more than %s, and the model server has not told "+
			"their number: shorten it, or ask for a higher limit", estimate, l.name())
	e.Limits = []Limit{l}
	return e
}

// InvalidKey is about a credential that is missing or not known.
func InvalidKey(format string, args ...any) *Error { return of(KindInvalidKey, format, args...) }

// Permission is about what the principal may not do, and about a limit of 0.
func Permission(format string, args ...any) *Error { return of(KindPermission, format, args...) }

// UserDisabled is about a user who may not come in, whatever the credential. The message has no
// name, for it is logged where names may have to be hashed.
func UserDisabled() *Error {
	return of(KindUserDisabled, "the user is disabled: ask whoever manages users here")
}

// TenantDisabled is about a tenant of which nobody may come in.
func TenantDisabled() *Error {
	return of(KindTenantDisabled,
		"the tenant of the user is disabled: ask whoever operates the gateway")
}

// NoModel is about a model that is not served, or not to this principal.
func NoModel(model string) *Error {
	e := of(KindNoModel,
		"the model %s does not exist: GET /v1/models lists those that you may use", Quoted(model))
	e.Param = "model"
	return e
}

// NoPath is about a path that is no endpoint. Where meant is not empty, it is the endpoint
// whose path the client probably means.
func NoPath(path, meant string) *Error {
	if meant == "" {
		return of(KindNoPath, "there is nothing at %s", Quoted(path))
	}
	return of(KindNoPath, "there is nothing at %s: "+
		"where %s is meant, look at the client's base URL", Quoted(path), meant)
}

// Method is about a path that wants another method.
func Method(method, allowed string) *Error {
	return of(KindMethod, "the method %s is not allowed here: use %s", Quoted(method), allowed)
}

// BodyTimeout is about a body that did not arrive in time.
func BodyTimeout(limit time.Duration) *Error {
	return of(KindBodyTimeout, "the request body did not arrive within %s", limit)
}

// BodyTooLarge is about a body of more than bytesMax bytes.
func BodyTooLarge(bytesMax int64) *Error {
	return of(KindBodyTooLarge,
		"the request body is larger than %d bytes, the server's max-body-bytes", bytesMax)
}

// MediaType is about a body that is not plain JSON by its header fields.
func MediaType(format string, args ...any) *Error { return of(KindMediaType, format, args...) }

// RateLimited is about a request that limits have no room for now. It takes at least one
// limit, the longest wait first. retryAfter is the wait until all have room, with its spread.
func RateLimited(what Exhausted, limits []Limit, retryAfter time.Duration) *Error {
	e := &Error{Kind: KindRateLimited, Exhausted: what, Limits: limits, RetryAfter: retryAfter}
	e.Message = fmt.Sprintf("%s; try again in %d s", limits[0].state(what), Seconds(retryAfter))
	if lower := limits[0].Lower; lower != "" {
		e.Message += "; a lower " + lower + " fits sooner"
	}
	return e
}

func of(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// QuotedMax is how many characters of a name [Quoted] returns at most.
const QuotedMax = 64

// Quoted returns a name that a client has sent in quotes, cut after QuotedMax characters.
func Quoted(s string) string {
	if len(s) > QuotedMax {
		return fmt.Sprintf("%.*q…", QuotedMax, s)
	}
	return fmt.Sprintf("%q", s)
}

// Seconds returns a wait in whole seconds, rounded up: at least 1, or 0 where there is none.
func Seconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d + time.Second - 1) / time.Second)
}
