package reply

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
)

// StatusClientGone is the status of a request whose client left before its answer, for logs,
// metrics and a client that is still there after all. nginx introduced the number.
const StatusClientGone = 499

// statuses has the status of each kind of failure. The type of an error follows from it.
var statuses = map[failure.Kind]int{
	failure.KindInvalidRequest:  http.StatusBadRequest,
	failure.KindExceedsLimit:    http.StatusBadRequest,
	failure.KindInvalidKey:      http.StatusUnauthorized,
	failure.KindPermission:      http.StatusForbidden,
	failure.KindUserDisabled:    http.StatusForbidden,
	failure.KindTenantDisabled:  http.StatusForbidden,
	failure.KindNoModel:         http.StatusNotFound,
	failure.KindNoPath:          http.StatusNotFound,
	failure.KindMethod:          http.StatusMethodNotAllowed,
	failure.KindBodyTimeout:     http.StatusRequestTimeout,
	failure.KindBodyTooLarge:    http.StatusRequestEntityTooLarge,
	failure.KindMediaType:       http.StatusUnsupportedMediaType,
	failure.KindRateLimited:     http.StatusTooManyRequests,
	failure.KindClientLeft:      StatusClientGone,
	failure.KindInternal:        http.StatusInternalServerError,
	failure.KindUpstream:        http.StatusBadGateway,
	failure.KindModelServer:     http.StatusBadGateway, // unless it means another one
	failure.KindNoServer:        http.StatusServiceUnavailable,
	failure.KindNoStore:         http.StatusServiceUnavailable,
	failure.KindNoIdentity:      http.StatusServiceUnavailable,
	failure.KindOverCapacity:    http.StatusServiceUnavailable,
	failure.KindCutOff:          http.StatusServiceUnavailable,
	failure.KindShuttingDown:    http.StatusServiceUnavailable,
	failure.KindUpstreamTimeout: http.StatusGatewayTimeout,
}

// The types of OpenAI's error objects for what is the client's to mend and for what is not.
const (
	typeInvalidRequest = "invalid_request_error"
	typeServer         = "server_error"
)

// StatusOf returns the status of the answer to a failure.
func StatusOf(e *failure.Error) int {
	if e.Foreign != nil && e.Foreign.Status != 0 {
		return e.Foreign.Status
	}
	return statuses[e.Kind]
}

// BodyOf returns what a client is told of a failure, before it has the shape of an endpoint.
func BodyOf(e *failure.Error) wire.ErrorBody {
	b := wire.ErrorBody{Status: StatusOf(e), Code: e.Kind.String(), Why: e}
	switch {
	case e.Foreign != nil && e.Foreign.Status != 0:
		b.Type, b.Code = e.Foreign.Type, e.Foreign.Code
	case e.Foreign != nil:
		b.Type, b.Code = typeServer, failure.KindUpstream.String()
	case e.Exhausted != "":
		b.Type = string(e.Exhausted)
	case b.Status < http.StatusInternalServerError:
		b.Type = typeInvalidRequest
	default:
		b.Type = typeServer
	}
	return b
}

// Error writes the answer to a request that is not served, in the shape of the endpoint's
// errors; of no endpoint (0), in OpenAI's.
func Error(w http.ResponseWriter, e *failure.Error, endpoint wire.Endpoint) {
	h, b := w.Header(), BodyOf(e)
	RepeatID(h, endpoint)
	h["Content-Type"] = []string{"application/json"}
	if e.RetryAfter > 0 {
		writeRetryAfter(h, e.RetryAfter)
	}
	if b.Status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 wants a challenge
	}
	body := answer.AppendError(nil, b, endpoint)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(b.Status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}

// patience is the longest wait after which clients' libraries may try again by themselves.
const patience = time.Minute

func writeRetryAfter(h http.Header, wait time.Duration) {
	seconds := failure.Seconds(wait)
	h["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	h["Retry-After-Ms"] = []string{strconv.FormatInt(seconds*1000, 10)}
	if wait > patience {
		h["X-Should-Retry"] = []string{"false"}
	}
}

// JSON writes v as an answer of the gateway's own.
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		Error(w, failure.Internal(), 0)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}
