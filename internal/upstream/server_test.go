package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	for _, address := range []string{
		"", "host:8000", "ftp://host", "http://", "http://:8000", "http:///path",
		"http://user:secret@host", "http://host?x=1", "http://host/#x", "http://h\u00f6st:8000",
	} {
		u, err := url.Parse(address)
		if err != nil {
			u = &url.URL{Host: address}
		}
		if _, err := New(Options{URL: u}); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no URL was accepted")
	}
	if _, err := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, APIKey: "a\r\nX: y"}); err == nil {
		t.Error("a key with a line break was accepted")
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"http://host":           "host:80",
		"https://host/base":     "host:443",
		"http://10.0.0.1:8000/": "10.0.0.1:8000",
		"http://[::1]:8000":     "[::1]:8000",
		"https://[fd00::1]":     "[fd00::1]:443",
	} {
		if got := connect(t, address).Address(); got != want {
			t.Errorf("%s: address %s, want %s", address, got, want)
		}
	}
}

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
	s := connect(t, server.URL, func(o *Options) { o.APIKey = "k" })
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

func TestClose(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	running, err := s.Do(t.Context(), post("{}"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if e := fails(t, t.Context(), s, post("{}")); e.Kind != Refused || e.Sent() || !errors.Is(e, ErrServerClosed) {
		t.Errorf("error %v after Close", e)
	}
	if body, err := io.ReadAll(running.Body); string(body) != "ok" || err != nil {
		t.Errorf("a running exchange ended with %q, %v", body, err)
	}
	if n := s.Idle(); n != 0 {
		t.Errorf("%d idle connections after Close", n)
	}
}

// TestAwayKeepsNothing: of a server that is away no connection is kept.
func TestAwayKeepsNothing(t *testing.T) {
	l := listen(t, answer(ok))
	s := connect(t, l.url())
	exchange(t, s, post("{}"))
	s.noteFound(errors.New("away"))
	if n := s.Idle(); n != 0 {
		t.Errorf("%d idle connections", n)
	}
	exchange(t, s, post("{}"))
	if n := l.accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestErrorTexts(t *testing.T) {
	tests := map[string]error{
		"model server h:1: timeout between two parts of the response":                            &Error{Kind: Timeout, Phase: Idle, Address: "h:1", Err: context.DeadlineExceeded},
		"model server h:1: closed before a response: unexpected EOF":                             &Error{Kind: Closed, Address: "h:1", Err: io.ErrUnexpectedEOF},
		"model server h:1: GET /health answered 503":                                             &StatusError{Address: "h:1", Status: 503},
		"model server h:1: malformed response: there are too many header fields":                 &Error{Kind: Protocol, Address: "h:1", Err: malformed("there are too many header fields")},
		"model server h:1: no connection: the connections to this model server have been closed": &Error{Kind: Refused, Address: "h:1", Err: ErrServerClosed},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
