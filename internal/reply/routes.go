package reply

import (
	"net/http"
	"path"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Only answers 405 to every other method, in the shape of an endpoint's errors; of no
// endpoint, in that which the client expects.
func Only(method string, e wire.Endpoint, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && !(method == http.MethodGet && r.Method == http.MethodHead) {
			w.Header()["Allow"] = []string{method}
			shape := e
			if shape == 0 {
				shape = ShapeOf(r)
			}
			Error(w, failure.Method(r.Method, method), shape)
			return
		}
		next(w, r)
	})
}

// ProblemBase is the path below which administration is, whose errors are problems.
const ProblemBase = "/api/v1/admin"

// NotFound answers 404 in the shape of errors that the client expects.
func NotFound(w http.ResponseWriter, r *http.Request) {
	nothing := failure.NoPath(r.URL.Path, wire.EndpointAtEnd(r.URL.Path))
	if below, ok := strings.CutPrefix(r.URL.Path, ProblemBase); ok &&
		(below == "" || below[0] == '/') {
		ProblemOf(nothing).Write(w)
		return
	}
	Error(w, nothing, ShapeOf(r))
}

// NoHost answers 400 to a request whose Host is empty.
func NoHost(w http.ResponseWriter, r *http.Request) {
	Error(w, failure.InvalidRequest("", "the Host is empty: name the gateway in it"), ShapeOf(r))
}

// ForeignPage answers 403 to what a browser sends for a page of another origin.
func ForeignPage(w http.ResponseWriter, r *http.Request) {
	Error(w, failure.Permission("the page that sends this is of another origin: "+
		"list that in server.cors.origins"), ShapeOf(r))
}

// anthropicVersion is the field that Anthropic's clients send with every request.
const anthropicVersion = "Anthropic-Version"

// ShapeOf returns an endpoint with the shape that the client of a request expects: messages for
// Anthropic's clients, and below the path of messages, where only they look; else none.
func ShapeOf(r *http.Request) wire.Endpoint {
	if r.Header.Get(anthropicVersion) != "" || belowMessages(r.URL.EscapedPath()) {
		return wire.Messages
	}
	return 0
}

// belowMessages reports whether an escaped path, in its shortest form, is
// /v1/messages or /api/v1/models/MODEL/messages or below it.
func belowMessages(escaped string) bool {
	p := path.Clean(escaped)
	if model, ok := strings.CutPrefix(p, "/api/v1/models/"); ok {
		_, p, _ = strings.Cut(model, "/")
		p = "/v1/" + p
	}
	return p == wire.Messages.Path() || strings.HasPrefix(p, wire.Messages.Path()+"/")
}
