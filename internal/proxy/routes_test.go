package proxy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestUnknownPathShape: who is below messages speaks Anthropic's protocol, and
// gets its shape of 404 and 405.
func TestUnknownPathShape(t *testing.T) {
	mux := http.NewServeMux()
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
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if got := strings.HasPrefix(w.Body.String(), `{"type":"error",`); w.Code != tt.status || got != tt.anthropic {
			t.Errorf("%s %s: %d, Anthropic's shape: %v, want %d, %v: %s", tt.method, tt.path, w.Code, got, tt.status, tt.anthropic, w.Body)
		}
	}
}
