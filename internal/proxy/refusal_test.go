package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// TestRefusalsOfModelServers: what a model server turns away for no fault of the client's is
// counted, by its status; what is wrong with the request is not, nor a failure.
func TestRefusalsOfModelServers(t *testing.T) {
	for status, counted := range map[int]string{
		http.StatusServiceUnavailable: "503", http.StatusTooManyRequests: "429", http.StatusUnauthorized: "401",
		http.StatusForbidden: "403", http.StatusNotFound: "404",
		http.StatusBadRequest: "", http.StatusUnprocessableEntity: "", http.StatusInternalServerError: "", http.StatusOK: "",
	} {
		g := apptest.Start(t, apptest.Options{Wrap: func(mock http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == chatPath && status != http.StatusOK {
					saying(status, `{}`)(w, r)
					return
				}
				mock.ServeHTTP(w, r)
			})
		}})
		g.Post(t, chatPath, "alice", chat(3, false))
		m := modelMetrics(t, g)
		for _, code := range []string{"401", "403", "404", "429", "503"} {
			n, there := m[`model_upstream_refused_total{code="`+code+`",}`]
			if !there || (n == 1) != (code == counted) || n > 1 {
				t.Errorf("after a %d, %d of the code %s are counted (there: %v)", status, n, code, there)
			}
		}
	}
}

// TestRefusalThatCannotBeDecoded is no refusal that could be passed on, streamed or not, and
// also where there is nothing in it.
func TestRefusalThatCannotBeDecoded(t *testing.T) {
	for name, body := range map[string]string{"no gzip": "plain", "nothing": "", "cut off": "\x1f\x8b\x08"} {
		for _, stream := range []bool{false, true} {
			g := apptest.Start(t, apptest.Options{Wrap: func(mock http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != chatPath {
						mock.ServeHTTP(w, r)
						return
					}
					w.Header().Set("Content-Encoding", "gzip")
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, body)
				})
			}})
			status, _, answer := g.Post(t, chatPath, "alice", chat(3, stream))
			if status != http.StatusBadGateway || !strings.Contains(answer, "encoded as") {
				t.Errorf("%s, streamed %v: %d %s", name, stream, status, answer)
			}
		}
	}
}
