package registrar

import (
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// answer is what a request is answered with.
type answer struct {
	status   int
	body     any    // as JSON; nil beside stream only
	etag     int64  // the revision of what it shows; 0: it has none
	location string // of what was created; "": nothing was
	replayed bool   // another request has done this before
	// stream writes the body piece by piece, and fails before the first piece only. It is nil
	// where there is a body.
	stream func(http.ResponseWriter) error
}

// replayedHeader tells that a request with this Idempotency-Key was carried out before.
const replayedHeader = "Idempotent-Replayed"

// write writes the answer.
func (a *answer) write(w http.ResponseWriter) error {
	h := w.Header()
	h["Cache-Control"] = []string{"no-store"} // it may have a secret, and is about people
	if a.stream != nil {
		return a.stream(w)
	}
	if a.etag > 0 {
		h["Etag"] = []string{etag(a.etag)}
	}
	if a.location != "" {
		h["Location"] = []string{a.location}
	}
	if a.replayed {
		h[replayedHeader] = []string{"true"}
	}
	reply.JSON(w, a.status, a.body)
	return nil
}
