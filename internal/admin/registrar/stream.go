package registrar

import (
	"net/http"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// pagePatience is how long a client may take to read a page of a stream.
const pagePatience = 30 * time.Second

// stream returns an answer that is written page after page, as next returns them; an empty one is
// the end. The first one is read before there is an answer. Where a later one cannot be read, the
// connection is broken off, so that nobody takes what has come for everything.
func (h *Handler) stream(
	c *call, media string, next func() ([]byte, error),
) (*answer, error) {
	page, err := next()
	if err != nil {
		return nil, err
	}
	return &answer{stream: func(w http.ResponseWriter) error {
		w.Header()["Content-Type"] = []string{media}
		w.WriteHeader(http.StatusOK)
		if c.Method == http.MethodHead {
			return nil
		}
		control := http.NewResponseController(w)
		defer control.SetWriteDeadline(time.Time{}) //nolint:errcheck // as below
		for len(page) > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(pagePatience)) // where it has one
			if _, err := w.Write(page); err != nil {
				panic(http.ErrAbortHandler)
			}
			if page, err = next(); err != nil {
				h.Log.Warn("an export is broken off", "route", c.Pattern,
					"id", c.Header.Get(reply.IDHeader), "error", err)
				panic(http.ErrAbortHandler)
			}
		}
		return nil
	}}, nil
}
