package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPagesOfOthers(t *testing.T) {
	open, locked := func() bool { return true }, func() bool { return false }
	for _, tt := range []struct {
		name    string
		open    func() bool
		origins []string
		method  string
		fields  map[string]string
		status  int
	}{
		{"a page of another origin", open, nil, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"the same origin", open, nil, "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://gateway"}, 200},
		{"no browser", open, nil, "POST", map[string]string{"Origin": "https://evil.example"}, 200},
		{"a listed one", open, []string{"https://chat.example"}, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://chat.example"}, 200},
		{"one beside the listed", open, []string{"https://chat.example"}, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"every one", open, []string{"*"}, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 200},
		{"a page with a key", locked, nil, "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 200},
		{"a library", open, nil, "POST", nil, 200},
		{"reading", open, nil, "GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		own, err := ownPages(tt.origins, tt.open)
		if err != nil {
			t.Fatal(err)
		}
		h := own(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest(tt.method, "http://gateway/v1/chat/completions", nil)
		for name, value := range tt.fields {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || tt.status == 403 && !strings.Contains(w.Body.String(), "server.cors.origins") {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		r.URL.Path = "/v1/messages"
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || tt.status == 403 && !strings.Contains(w.Body.String(), `{"type":"error",`) {
			t.Errorf("%s, of messages: %d %s", tt.name, w.Code, w.Body)
		}
	}
}
