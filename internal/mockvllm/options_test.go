package mockvllm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestStumble: a body of a kind is answered as the server says, whatever it asks for
// itself, and no other one is.
func TestStumble(t *testing.T) {
	s := New(Options{Stumbles: []Stumble{{Text: "grammar", Behavior: Behavior{Status: 500}}}})
	for content, want := range map[string]int{"hello": http.StatusOK, "a grammar that nobody can": http.StatusInternalServerError} {
		body := `{"model":"mock","messages":[{"role":"user","content":"` + content + `"}],"mock":{"output_tokens":1}}`
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d %s, want %d", content, w.Code, w.Body, want)
		}
	}
}
