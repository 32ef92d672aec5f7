package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
)

func TestBasePath(t *testing.T) {
	for base, want := range map[string]string{
		"": "/health", "/": "/health", "/a": "/a/health", "/a/": "/a/health", "/a%2Fb//": "/a%2Fb/health",
	} {
		seen := make(chan string, 1)
		server := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI })
		if err := connect(t, server.URL+base).Health(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != want {
			t.Errorf("base %q: asked for %s, want %s", base, got, want)
		}
	}
}

func TestHealth(t *testing.T) {
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/health" || r.Header.Get("Authorization") != "Bearer k" {
			t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s := connect(t, server.URL, func(o *setup) { o.APIKey = "k" })
	var status *StatusError
	if err := s.Health(t.Context()); !errors.As(err, &status) || status.Status != 503 {
		t.Errorf("error %v, want status 503", err)
	}
	server.Close()
	var e *Error
	if err := s.Health(t.Context()); !errors.As(err, &e) || e.Kind != Refused {
		t.Errorf("error %v, want a refused connection", err)
	}
}

// TestAwayKeepsNothing: of a server that is away no connection is kept.
func TestAwayKeepsNothing(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	s.noteFound(errors.New("away"))
	exchange(t, s, post("{}"))
	if n := l.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestErrorTexts(t *testing.T) {
	tests := map[string]error{
		"model server h:1: timeout between two parts of the response":                      &Error{ClientError: ClientError{Kind: Timeout, Phase: httpclient.Idle, Address: "h:1", Err: context.DeadlineExceeded}},
		"model server h:1: closed before a response: unexpected EOF":                       &Error{ClientError: ClientError{Kind: Closed, Address: "h:1", Err: io.ErrUnexpectedEOF}},
		"model server h:1: GET /health answered 503":                                       &StatusError{Address: "h:1", Status: 503},
		"model server h:1: malformed response: there are too many header fields":           &Error{ClientError: ClientError{Kind: httpclient.Protocol, Address: "h:1", Err: errors.New("there are too many header fields")}},
		"model server h:1: no connection: the connections to this server have been closed": &Error{ClientError: ClientError{Kind: Refused, Address: "h:1", Err: ErrServerClosed}},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
