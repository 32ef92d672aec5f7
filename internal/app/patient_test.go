package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// timed notes the write deadlines of its stream.
type timed struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

// SetWriteDeadline is what http.ResponseController looks for.
func (d *timed) SetWriteDeadline(t time.Time) error {
	d.deadlines = append(d.deadlines, t)
	return nil
}

// TestPatient: an answer of HTTP/2 has a deadline from its first byte on and
// after its handler, and a handler's own ones are left alone; one of HTTP/1 has
// none.
func TestPatient(t *testing.T) {
	own := time.Now().Add(time.Hour)
	writes := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a"))
		_, _ = w.Write([]byte("b"))
	}
	for name, tt := range map[string]struct {
		major   int
		handler http.HandlerFunc
		want    int
	}{
		"nothing written": {2, func(http.ResponseWriter, *http.Request) {}, 1},
		"written":         {2, writes, 2},
		"own deadline": {2, func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(own); err != nil {
				t.Error(err)
			}
			writes(w, r)
		}, 2},
		"HTTP/1": {1, writes, 0},
	} {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.ProtoMajor = tt.major
		guarded(tt.handler, time.Minute).ServeHTTP(w, r)
		if len(w.deadlines) != tt.want {
			t.Errorf("%s: the deadlines are %v", name, w.deadlines)
			continue
		}
		if n := len(w.deadlines); n > 0 && time.Until(w.deadlines[n-1]) > answerPatience {
			t.Errorf("%s: the last deadline is %v", name, w.deadlines[n-1])
		}
		if name == "own deadline" && !w.deadlines[0].Equal(own) {
			t.Errorf("the handler's own deadline is %v", w.deadlines[0])
		}
	}
}
