package reply

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestMethodIsRefusedInTheShapeOfItsClient: a route of no endpoint refuses each client in the
// shape that this one expects, whoever came before.
func TestMethodIsRefusedInTheShapeOfItsClient(t *testing.T) {
	h := Only(http.MethodGet, 0, func(http.ResponseWriter, *http.Request) { t.Error("it was let through") })
	for i, anthropic := range []bool{false, true, false, true} {
		r := httptest.NewRequest(http.MethodPost, "/v1/models", nil)
		if anthropic {
			r.Header.Set("Anthropic-Version", "2023-06-01")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if shaped := strings.HasPrefix(w.Body.String(), `{"type":"error"`); w.Code != http.StatusMethodNotAllowed || shaped != anthropic || w.Header().Get("Allow") != http.MethodGet {
			t.Errorf("request %d, of Anthropic's client %v: %d %s", i, anthropic, w.Code, w.Body)
		}
	}
}
