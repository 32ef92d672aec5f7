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

// TestNothingBelowAdministrationIsAProblem: what is not there is told as the routes beside it tell
// it.
func TestNothingBelowAdministrationIsAProblem(t *testing.T) {
	for path, problem := range map[string]bool{
		"/api/v1/admin": true, "/api/v1/admin/": true, "/api/v1/admin/kyes": true, "/api/v1/admin//keys": true,
		"/api/v1/administration": false, "/api/v1/models": false, "/": false,
	} {
		w := httptest.NewRecorder()
		NotFound(w, httptest.NewRequest(http.MethodPost, path, nil))
		kind := w.Header().Get("Content-Type")
		if w.Code != http.StatusNotFound || (kind == "application/problem+json") != problem || !strings.Contains(w.Body.String(), `"code":"not_found"`) {
			t.Errorf("%s is answered with %d %s %s", path, w.Code, kind, w.Body)
		}
	}
}
