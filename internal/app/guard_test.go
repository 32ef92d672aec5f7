package app

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"
)

// deadlined notes the read deadline of its connection.
type deadlined struct {
	*httptest.ResponseRecorder
	read time.Time
}

// SetReadDeadline is what http.ResponseController looks for.
func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.read = t
	return nil
}

// TestGuarded: who has a body gets a deadline, and doubtful framing ends the
// connection, whoever answers.
func TestGuarded(t *testing.T) {
	h := guarded(time.Minute)(http.NotFoundHandler())
	for name, tt := range map[string]struct {
		change        func(*http.Request)
		bounded, last bool
	}{
		"no body":   {func(r *http.Request) { r.ContentLength = 0 }, false, false},
		"a body":    {func(*http.Request) {}, true, false},
		"chunks":    {func(r *http.Request) { r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} }, true, true},
		"HTTP/1.0":  {func(r *http.Request) { r.ContentLength, r.ProtoMinor = 0, 0 }, false, true},
		"an HTTP/2": {func(r *http.Request) { r.ContentLength, r.ProtoMajor, r.ProtoMinor = -1, 2, 0 }, true, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("body"))
		tt.change(r)
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, r)
		if bounded := !w.read.IsZero(); bounded != tt.bounded || bounded && time.Until(w.read) > time.Minute {
			t.Errorf("%s: the deadline is %v", name, w.read)
		}
		if last := w.Header().Get("Connection") == "close"; last != tt.last {
			t.Errorf("%s: the connection ends: %v", name, last)
		}
	}
}

// TestHosts: a request without a host is refused, but of HTTP/1.0.
func TestHosts(t *testing.T) {
	h := guarded(time.Minute)(http.NotFoundHandler())
	for _, tt := range []struct {
		host         string
		major, minor int
		status       int
	}{
		{"a", 1, 1, http.StatusNotFound},
		{"", 1, 1, http.StatusBadRequest},
		{"", 2, 0, http.StatusBadRequest},
		{"", 1, 0, http.StatusNotFound},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.ProtoMajor, r.ProtoMinor = tt.host, tt.major, tt.minor
		r.Header.Set("Anthropic-Version", "2023-06-01")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status || w.Code == http.StatusBadRequest && !strings.Contains(w.Body.String(), `"type":"error"`) {
			t.Errorf("%q of HTTP/%d.%d: %d %s, want %d", tt.host, tt.major, tt.minor, w.Code, w.Body, tt.status)
		}
		if last := w.Header().Get("Connection") == "close"; tt.status == http.StatusBadRequest && !last {
			t.Errorf("%q of HTTP/%d.%d: the connection stays open", tt.host, tt.major, tt.minor)
		}
	}
}

// TestPlainPaths: a path in another than its shortest form is not found, and
// not redirected to that.
func TestPlainPaths(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := plainPaths(mux)
	for path, plain := range map[string]bool{
		"/": true, "/a": true, "/a/": true, "/a/b": true, "/a%2Fb": true, "/a%2F%2Fb": true, "/%2e%2e": true,
		"//": false, "//a": false, "/a//": false, "/a//b": false, "/./a": false, "/a/.": false, "/a/..": false, "/../a": false, "/a/../b": false,
	} {
		r := httptest.NewRequest(http.MethodPost, "http://h"+path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if want := map[bool]int{true: http.StatusTeapot, false: http.StatusNotFound}[plain]; w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// TestShortestPaths: the quick look agrees with path.Clean.
func TestShortestPaths(t *testing.T) {
	parts := []string{"", "/", "//", ".", "..", "a", "/.", "/..", "/a", "/.a", "a.", "/a.b", "%2e", "*"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				p := a + b + c
				clean := path.Clean(p)
				if want := p == clean || clean != "/" && p == clean+"/"; isShortest(p) != want {
					t.Errorf("%q: %v, want %v", p, isShortest(p), want)
				}
			}
		}
	}
}
