package app

import (
	"net/http"
	"slices"

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
