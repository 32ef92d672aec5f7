package reply

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/openai"
)

// Error writes an answer of the gateway's own that refuses a request, in the shape of the
// endpoint's errors; of no endpoint (0), in OpenAI's.
func Error(w http.ResponseWriter, e *openai.Error, endpoint openai.Endpoint) {
	h := w.Header()
	RepeatID(h, endpoint)
	h["Content-Type"] = []string{"application/json"}
	if e.RetryAfter > 0 {
		writeRetryAfter(h, e)
	}
	if e.Status == http.StatusUnauthorized {
		h["Www-Authenticate"] = []string{"Bearer"} // RFC 9110 wants a challenge
	}
	body := e.AppendJSON(nil, endpoint)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(e.Status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}

// patience is the longest wait after which clients' libraries may try again by
// themselves.
const patience = time.Minute

func writeRetryAfter(h http.Header, e *openai.Error) {
	seconds := e.RetryAfterSeconds()
	h["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	h["Retry-After-Ms"] = []string{strconv.FormatInt(seconds*1000, 10)}
	if e.RetryAfter > patience {
		h["X-Should-Retry"] = []string{"false"}
	}
}

// JSON writes v as an answer of the gateway's own.
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		Error(w, openai.Internal(), 0)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(body)
}
