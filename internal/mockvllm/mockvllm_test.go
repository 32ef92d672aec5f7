package mockvllm

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is the time of servers that tests give a clock.
var epoch = time.Unix(1_750_000_000, 0).UTC()

// start serves o on a free port until the test ends.
func start(t testing.TB, o Options) (*Server, string) {
	t.Helper()
	s := New(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
		web.Close()
	})
	return s, web.URL
}

// request builds a POST with a request id.
func requestTo(t testing.TB, url, id, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if id != "" {
		r.Header.Set("X-Request-Id", id)
	}
	return r
}

// post sends a request and returns the whole answer; reading may fail.
func post(t testing.TB, url, id, body string) (status int, answer string, err error) {
	t.Helper()
	response, err := http.DefaultClient.Do(requestTo(t, url, id, body))
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// call answers without a connection.
func call(s *Server, method, path, id, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if id != "" {
		r.Header.Set("X-Request-Id", id)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// quiesce waits until nothing runs.
func quiesce(t testing.TB, l *Ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Quiesce(ctx); err != nil {
		t.Fatalf("requests still run: %v", err)
	}
}

// entry returns the ended entry of a request.
func entry(t testing.TB, l *Ledger, id string) Entry {
	t.Helper()
	quiesce(t, l)
	e, ok := l.Entry(id)
	if !ok {
		t.Fatalf("the ledger has no entry %q", id)
	}
	return e
}
