package app

import (
	"net/http"
	"slices"

	"github.com/rs/cors"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// ownPages refuses what browsers send for pages of other origins while everybody is let in: such a
// page needs no key then, and whoever looks at it would spend what is theirs. The listed origins
// may; "*" is every origin. While keys are asked for, a page can use only one that it has.
func ownPages(origins []string, open func() bool) (middleware, error) {
	if slices.Contains(origins, "*") {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	protection := http.NewCrossOriginProtection()
	for _, o := range origins {
		if err := protection.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Browsers tell where a request comes from, though not by http to another
			// machine; other clients do not, and are none of this.
			if open() && len(r.Header["Sec-Fetch-Site"]) > 0 && protection.Check(r) != nil {
				reply.ForeignPage(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// preflightSeconds is how long a browser may remember what it may send; none remembers it longer.
const preflightSeconds = 7200

// exposedFields returns the header fields of answers that pages may read beside the harmless ones.
func exposedFields() []string {
	fields := []string{
		"X-Request-ID", "Request-ID", "Retry-After", "Retry-After-Ms", "X-Should-Retry",
		"X-Token-Output-Cap", "X-Dropped-Fields", "RateLimit", "RateLimit-Policy",
		"ETag", "Location", "Idempotent-Replayed",
	}
	for _, what := range []string{"Limit", "Remaining", "Reset"} {
		fields = append(fields, "X-RateLimit-"+what+"-Requests", "X-RateLimit-"+what+"-Tokens")
		for _, meter := range []string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"} {
			fields = append(fields, "Anthropic-RateLimit-"+meter+"-"+what)
		}
	}
	return fields
}

// crossOrigin lets pages of the origins send requests and read all of their answers, errors
// included; "*" is every origin, and without any it does nothing. It answers itself what a browser
// asks beforehand, and asks for no credential then. Cookies are no credentials here.
func crossOrigin(origins []string) middleware {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
		// Clients' libraries send fields of their own, whose meaning is decided here.
		AllowedHeaders: []string{"*"},
		ExposedHeaders: exposedFields(),
		MaxAge:         preflightSeconds,
	}).Handler
}
