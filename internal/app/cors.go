package app

import (
	"net/http"

	"github.com/rs/cors"
)

// preflightSeconds is how long a browser may remember what it may send; none remembers it longer.
const preflightSeconds = 7200

// exposedFields are the header fields of answers that pages may read beside the harmless ones.
var exposedFields = []string{
	"X-Request-ID", "Request-ID", "Retry-After", "Retry-After-Ms", "X-Should-Retry", "X-Token-Output-Cap", "X-Dropped-Fields", "RateLimit", "RateLimit-Policy",
	"X-RateLimit-Limit-Requests", "X-RateLimit-Remaining-Requests", "X-RateLimit-Reset-Requests",
	"X-RateLimit-Limit-Tokens", "X-RateLimit-Remaining-Tokens", "X-RateLimit-Reset-Tokens",
	"Anthropic-RateLimit-Requests-Limit", "Anthropic-RateLimit-Requests-Remaining", "Anthropic-RateLimit-Requests-Reset",
	"Anthropic-RateLimit-Tokens-Limit", "Anthropic-RateLimit-Tokens-Remaining", "Anthropic-RateLimit-Tokens-Reset",
	"Anthropic-RateLimit-Input-Tokens-Limit", "Anthropic-RateLimit-Input-Tokens-Remaining", "Anthropic-RateLimit-Input-Tokens-Reset",
	"Anthropic-RateLimit-Output-Tokens-Limit", "Anthropic-RateLimit-Output-Tokens-Remaining", "Anthropic-RateLimit-Output-Tokens-Reset",
}

// crossOrigin lets pages of the origins send requests and read all of their answers, errors
// included; "*" is every origin, and without any it does nothing. It
// answers itself what a browser asks beforehand, and asks for no credential then.
// Cookies are no credentials here, so that no page can use those of another.
func crossOrigin(origins []string) middleware {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		// Clients' libraries send fields of their own making; what they mean is
		// decided here, not in the browser.
		AllowedHeaders: []string{"*"},
		ExposedHeaders: exposedFields,
		MaxAge:         preflightSeconds,
	}).Handler
}
