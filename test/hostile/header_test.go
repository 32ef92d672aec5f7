package hostile_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// clientFields are what a hostile or careless client sends.
var clientFields = fields{
	"Authorization": "Bearer " + "client-secret", "X-API-Key": "client-secret", "Cookie": "session=client-secret",
	"Proxy-Authorization": "Basic client-secret", "Api-Key": "client-secret", "X-User-ID": "alice",
	"Connection": "keep-alive, X-Named", "X-Named": "named", "Keep-Alive": "timeout=5", "TE": "trailers", "Upgrade": "h2c", "Trailer": "X-T",
	"Proxy-Connection": "keep-alive", "HTTP2-Settings": "AAMAAABk", "Expect": "100-continue",
	"Accept-Encoding": "gzip, br", "Origin": "https://evil.example", "Referer": "https://evil.example", "Forwarded": "for=1.2.3.4",
	"X-Forwarded-For": "1.2.3.4", "X-Real-IP": "1.2.3.4", "X-Forwarded-Host": "evil", "X-HTTP-Method-Override": "DELETE",
	"X-Listed": "listed", "X-Not-Listed": "not listed", "OpenAI-Organization": "org", "Anthropic-Version": "2023-06-01",
	"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate": "vendor=1",
	"X-Request-ID": "request-1", "Accept": "application/json", "User-Agent": "client/1.0\t(caf\xc3\xa9)",
}

// TestHeadersSent looks at what reaches the model server: what is listed, and
// nothing else, whatever the client sends.
func TestHeadersSent(t *testing.T) {
	g, r := start(t, apptest.Options{Service: `api-key: the-gateways-own, forward-headers: [x-listed, X-Absent, x-named]`})
	a := send(t, g, http.MethodPost, chatPath, clientFields, chat)
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	got := r.last(t).Header
	want := http.Header{
		"Authorization": {"Bearer the-gateways-own"}, "Accept-Encoding": {"identity"}, "Content-Type": {"application/json"},
		"Content-Length": {fmt.Sprint(len(r.last(t).Body))}, "X-Listed": {"listed"}, "X-Request-Id": {"request-1"},
		"Traceparent": {clientFields["Traceparent"]}, "Tracestate": {"vendor=1"}, "Accept": {"application/json"}, "User-Agent": {clientFields["User-Agent"]},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the header at the model server (-want +got):\n%s", diff)
	}
	for _, seen := range r.all() {
		if strings.Contains(fmt.Sprint(seen), "client-secret") {
			t.Errorf("a credential of the client has reached the model server: %v", seen)
		}
	}
}

// TestHeadersReturned looks at what comes back of a model server's header.
func TestHeadersReturned(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Wrap: func(mock http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			for name, value := range (fields{
				"Set-Cookie": "a=b", "Server": "uvicorn", "X-Internal": "10.0.0.1", "Access-Control-Allow-Origin": "*", "Connection": "close, X-Gone", "X-Gone": "1",
				"X-Ratelimit-Limit-Tokens": "1", "Retry-After": "7", "Location": "http://inside/", "X-Request-Id": "theirs", "Www-Authenticate": "Basic",
			}) {
				w.Header().Set(name, value)
			}
			mock.ServeHTTP(w, q)
		})
	}})
	for _, body := range []string{chat, with(`"stream":true`), with(`"mock":{"status":418}`), chat[:1] + `"stream":true,` + chat[1:]} {
		a := post(t, g, chatPath, body)
		for name := range a.header {
			if !slices.Contains([]string{"Content-Type", "Content-Length", "Date", "X-Request-Id", "Cache-Control", "X-Accel-Buffering", "Transfer-Encoding"}, name) {
				t.Errorf("%d: the answer has %s: %q", a.status, name, a.header[name])
			}
		}
		if a.header.Get("X-Request-Id") == "theirs" {
			t.Error("the model server names the request")
		}
	}
}

// TestRequestIDs sends names for requests: plain ones are kept, others
// replaced, and the model server gets what the client gets.
func TestRequestIDs(t *testing.T) {
	g, r := start(t, apptest.Options{})
	made := map[string]bool{}
	for id, kept := range map[string]bool{
		"plain-1.2_3": true, "550e8400-e29b-41d4-a716-446655440000": true, strings.Repeat("a", 128): true, `"{}<>;=`: true,
		"": false, strings.Repeat("a", 129): false, "two words": false, "tab\tbed": false, "caf\xc3\xa9": false, "\xff": false,
	} {
		a := send(t, g, http.MethodPost, chatPath, fields{"X-Request-ID": id}, chat)
		got := a.header.Get("X-Request-Id")
		if (got == id) != kept || got == "" || len(got) > 128 {
			t.Errorf("the name %q becomes %q", id, got)
		}
		if !kept && made[got] {
			t.Errorf("the name %q is given twice", got)
		}
		made[got] = true
		if sent := r.last(t).Header.Get("X-Request-Id"); sent != got {
			t.Errorf("the model server got the name %q, the client %q", sent, got)
		}
		if !strings.Contains(g.Logs.String(), fmt.Sprintf("%q:%q", "id", got)) {
			t.Errorf("there is no log line of %q", got)
		}
	}
	for _, a := range []answer{
		send(t, g, http.MethodPost, chatPath, fields{"X-Request-ID": "of-an-error"}, "{"),
		send(t, g, http.MethodPost, chatPath, fields{"X-Request-ID": "of-an-error", "Content-Type": "text/plain"}, chat),
	} {
		if a.header.Get("X-Request-Id") != "of-an-error" {
			t.Errorf("the answer %d has the name %q", a.status, a.header.Get("X-Request-Id"))
		}
	}
	// Anthropic's libraries look elsewhere, on the routes that are theirs.
	for path, want := range map[string]string{"/v1/messages": "same", "/v1/messages/count_tokens": "same", chatPath: ""} {
		for _, body := range []string{strings.Replace(chat, "{", `{"max_tokens":9,`, 1), "{"} {
			a := send(t, g, http.MethodPost, path, fields{"X-Request-ID": "same"}, body)
			if got := a.header.Get("Request-Id"); got != want {
				t.Errorf("%s: the answer %d has the Request-Id %q, want %q", path, a.status, got, want)
			}
		}
	}
}
