package reply

import (
	"crypto/rand"
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// WithRequestID gives every request an id, the client's if that is plain, and tells it.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := []string{requestID(r.Header)}
		r.Header[IDHeader], w.Header()[IDHeader] = id, id
		next.ServeHTTP(w, r)
	})
}

// IDHeader is the canonical name of X-Request-ID.
const IDHeader = "X-Request-Id"

// anthropicIDHeader is where Anthropic's libraries look for a request's id.
const anthropicIDHeader = "Request-Id"

// RepeatID tells the id where the libraries of the endpoint look for it too.
func RepeatID(h http.Header, e wire.Endpoint) {
	if e.Anthropic() {
		h[anthropicIDHeader] = h[IDHeader]
	}
}

// requestIDBytesMax is the longest request id that is taken from a client.
const requestIDBytesMax = 128

// requestID returns the client's request id if it is a plain one, or a new one.
func requestID(h http.Header) string {
	var id string
	if sent := h[IDHeader]; len(sent) > 0 {
		id = sent[0]
	}
	if id == "" || len(id) > requestIDBytesMax {
		return rand.Text()
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return rand.Text()
		}
	}
	return id
}
