package app

import (
	"net/http"

	"github.com/token-rate-limiter/token-rate-limiter/internal/config"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// middleware is what a request passes on its way to a handler.
type middleware func(next http.Handler) http.Handler

// through returns h behind what requests pass, the first of the list first.
func through(h http.Handler, passed ...middleware) http.Handler {
	for i := len(passed) - 1; i >= 0; i-- {
		h = passed[i](h)
	}
	return h
}

// clients returns what serves clients: mux, behind all that their requests pass.
func (a *App) clients(c *config.Config, mux http.Handler) (http.Handler, error) {
	own, err := ownPages(c.Server.CORSOrigins, a.isOpen)
	if err != nil {
		return nil, err
	}
	return through(mux,
		a.tracked,                         // the end waits for it
		reply.WithRequestID,               // every answer has an id, refusals of the next ones too
		guarded(c.Server.BodyTimeout),     // a body has its time, and each connection one reading
		crossOrigin(c.Server.CORSOrigins), // answers what browsers ask before, with no credential
		own,                               // refuses foreign pages while nobody needs a key
		plainPaths,                        // mux would redirect what is not in its shortest form
	), nil
}

// operators returns what serves operators on a listener of their own.
func operators(c *config.Config, mux http.Handler) http.Handler {
	return through(mux,
		reply.WithRequestID,           // every answer has an id, refusals of the next ones too
		guarded(c.Server.BodyTimeout), // a body has its time, and each connection one reading
		plainPaths,                    // mux would redirect what is not in its shortest form
	)
}
