package app

import (
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// guarded bounds what a connection can do, whoever answers its requests.
//
// A request's body has to arrive within bodyTimeout, also where nobody reads it: the server reads
// what is left of a body before it answers and before it closes.
//
// A request whose end something in front may have seen in another place is the last one of its
// connection, so that nothing behind it passes for another: one with a transfer coding, because
// net/http does not tell whether there was a length as well (RFC 9112, section 6.1), and one of
// HTTP/1.0, where a transfer coding is ignored.
//
// A request without a host is refused, but of HTTP/1.0, which has none: something in front may have
// sent it here for the host of the target, or of the connection.
func guarded(bodyTimeout time.Duration) middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != 0 {
				// A connection that cannot have deadlines is one that a test made up.
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
			}
			if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
				w.Header()["Connection"] = []string{"close"}
			}
			if r.Host == "" && r.ProtoAtLeast(1, 1) {
				w.Header()["Connection"] = []string{"close"}
				reply.NoHost(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// plainPaths answers 404 to paths that are not in their shortest form, which
// http.ServeMux would redirect to it: a POST does not survive that.
func plainPaths(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.EscapedPath(); !isShortest(p) {
			reply.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// isShortest reports whether a path has no empty segment, but the last, and no "." or "..".
func isShortest(p string) bool {
	if strings.HasPrefix(p, "/") && !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return true // as nearly all are
	}
	clean := path.Clean(p)
	return p == clean || clean != "/" && p == clean+"/"
}
