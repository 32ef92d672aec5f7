package reply

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

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
