package httpclient

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestBytes(t *testing.T) {
	got := make(chan string, 1)
	l := listen(t, func(_ int, p *peer) {
		b := make([]byte, 4096)
		n, _ := p.Read(b)
		got <- string(b[:n])
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	s := connect(t, l.url()+"/base/", func(o *Options) { o.APIKey = "sk-server" })
	r := post(`{"a":1}`)
	r.Header = []Field{{"X-Request-ID", "r1"}, {"traceparent", "00-1"}}
	exchange(t, s, r)
	want := "POST /base/v1/completions HTTP/1.1\r\n" +
		"Host: " + l.Addr().String() + "\r\n" +
		"Accept-Encoding: identity\r\n" +
		"Authorization: Bearer sk-server\r\n" +
		"Content-Type: application/json\r\nContent-Length: 7\r\n" +
		"X-Request-ID: r1\r\ntraceparent: 00-1\r\n\r\n" + `{"a":1}`
	// One Read has got it all: head and body left in one Write.
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestRequestWithoutBody(t *testing.T) {
	seen := make(chan *http.Request, 1)
	l := listen(t, func(_ int, p *peer) {
		seen <- p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	exchange(t, connect(t, l.url()), Request{Method: "GET", Path: "/health"})
	r := <-seen
	if r.Header["Content-Type"] != nil || r.Header["Content-Length"] != nil || r.Header["Authorization"] != nil {
		t.Errorf("header %v has fields of a body or a key", r.Header)
	}
}

// TestBodySizes crosses the sizes at which bodies are written in another way.
func TestBodySizes(t *testing.T) {
	server := serveHTTP(t, echo)
	s := connect(t, server.URL)
	for _, size := range []int{0, 1, joinedBytes, joinedBytes + 1, inlineBytes, inlineBytes + 1, 3 << 20} {
		body := strings.Repeat("x", size)
		if _, got := exchange(t, s, post(body)); got != body {
			t.Errorf("size %d: %d bytes came back, or others", size, len(got))
		}
	}
	if n := s.Idle(); n != 1 {
		t.Errorf("%d idle connections, want the one that carried them all", n)
	}
}

func TestRefusedRequests(t *testing.T) {
	s := connect(t, "http://127.0.0.1:1")
	field := func(name, value string) Request {
		r := post("{}")
		r.Header = []Field{{"Accept", "*/*"}, {name, value}}
		return r
	}
	tests := map[string]Request{
		"value with CR LF":     field("X-A", "a\r\nX-B: b"),
		"value with LF":        field("X-A", "a\nb"),
		"value with CR":        field("X-A", "a\rb"),
		"value with NUL":       field("X-A", "a\x00b"),
		"value with DEL":       field("X-A", "a\x7fb"),
		"empty name":           field("", "a"),
		"name with colon":      field("X-A: b\r\nX", "a"),
		"name with space":      field("X A", "a"),
		"name with LF":         field("X\nA", "a"),
		"name beyond ASCII":    field("X-é", "a"),
		"authorization":        field("authorization", "Bearer x"),
		"proxy-authorization":  field("Proxy-Authorization", "x"),
		"cookie":               field("COOKIE", "x"),
		"x-api-key":            field("x-api-key", "x"),
		"host":                 field("host", "x"),
		"content-length":       field("Content-length", "0"),
		"transfer-encoding":    field("transfer-encoding", "chunked"),
		"connection":           field("connection", "close"),
		"upgrade":              field("Upgrade", "h2c"),
		"expect":               field("Expect", "100-continue"),
		"accept-encoding":      field("accept-encoding", "gzip"),
		"content-type":         field("content-type", "text/plain"),
		"te":                   field("te", "trailers"),
		"path without slash":   {Method: "GET", Path: "health"},
		"empty path":           {Method: "GET"},
		"path with space":      {Method: "GET", Path: "/a b"},
		"path with line break": {Method: "GET", Path: "/a HTTP/1.1\r\nX: y\r\n\r\n"},
		"path with fragment":   {Method: "GET", Path: "/a#b"},
		"no method":            {Path: "/health"},
		"method with space":    {Method: "GET /x", Path: "/health"},
		"method with break":    {Method: "GET\n", Path: "/health"},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.Do(t.Context(), r)
			var e *Error
			if !errors.As(err, &e) || e.Kind != Invalid || e.Sent {
				t.Errorf("error %v, want an invalid request that was not sent", err)
			}
		})
	}
}

func TestPassedFields(t *testing.T) {
	for _, f := range []Field{{"X-A", ""}, {"X-A", "a\tb"}, {"X-A", "grüße"}, {"x.a~b", "!"}, {strings.Repeat("x", 40), "1"}} {
		r := post("{}")
		r.Header = []Field{f}
		if why := r.check(); why != "" {
			t.Errorf("%q: refused: %s", f, why)
		}
	}
}
