package proxy

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
)

// TestUnknownPathShape: who is below messages speaks Anthropic's protocol, as who sends
// anthropic-version does, and gets its shape of 404 and 405 with its name of the id.
func TestUnknownPathShape(t *testing.T) {
	mux := new(gate.Mux)
	(&Handler{}).Register(mux)
	for _, tt := range []struct {
		method, path string
		status       int
		anthropic    bool
	}{
		{"POST", "/", 404, false},
		{"POST", "/v1/messages/", 404, true},
		{"POST", "/v1/messages/batches", 404, true},
		{"GET", "/v1/messages/batches/b/results", 404, true},
		{"POST", "/v1/messagesX", 404, false},
		{"POST", "/v1/files", 404, false},
		{"POST", "/v1/x/messages", 404, false},
		{"POST", "/api/v1/models/m/messages/batches", 404, true},
		{"POST", "/api/v1/models/a%2Fb/messages/batches", 404, true},
		{"POST", "/api/v1/models/messages/batches", 404, false},
		{"POST", "/api/v1/models/m/files", 404, false},
		{"GET", "/v1/messages", 405, true},
		{"DELETE", "/v1/messages/count_tokens", 405, true},
		{"GET", "/api/v1/models/m/messages", 405, true},
		{"GET", "/v1/chat/completions", 405, false},
		{"POST", "/v1/models", 405, false},
		{"DELETE", "/v1/models/m", 405, false},
	} {
		for _, version := range []string{"", "2023-06-01"} {
			w, r := httptest.NewRecorder(), httptest.NewRequest(tt.method, tt.path, nil)
			want := tt.anthropic
			if version != "" {
				r.Header.Set("anthropic-version", version)
				want = want || !strings.HasPrefix(tt.path, "/v1/chat") // which has a shape of its own
			}
			reply.WithRequestID(mux).ServeHTTP(w, r)
			if got := strings.HasPrefix(w.Body.String(), `{"type":"error",`); w.Code != tt.status || got != want {
				t.Errorf("%s %s: %d, Anthropic's shape: %v, want %d, %v: %s", tt.method, tt.path, w.Code, got, tt.status, want, w.Body)
			}
			if id := w.Header().Get("Request-Id"); (id != "") != want || want && id != w.Header().Get("X-Request-Id") {
				t.Errorf("%s %s: the Request-Id is %q, the header %v", tt.method, tt.path, id, w.Header())
			}
		}
	}
}
