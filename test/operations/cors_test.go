package operations

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

const page = "https://chat.example.com"

// ask sends a request of a page, with a key if there is one.
func ask(t *testing.T, g *apptest.Gateway, method, path, origin, key string, more http.Header) *http.Response {
	t.Helper()
	r := g.Request(t.Context(), path, "", chat("", `"output_tokens":3`))
	r.Method = method
	if method != http.MethodPost {
		r.Body, r.ContentLength = nil, 0
	}
	for name, values := range more {
		r.Header[name] = values
	}
	r.Header.Set("Origin", origin)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response
}

// preflight is what a browser sends before a request of OpenAI's library.
var preflight = http.Header{
	"Access-Control-Request-Method":  {"POST"},
	"Access-Control-Request-Headers": {"authorization,content-type,x-stainless-lang"},
}

// TestPreflightsCostNothing: what a browser asks beforehand is answered without a
// credential, a reservation or a model server; a page of another origin learns
// that it may not.
func TestPreflightsCostNothing(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: keys(t), Server: "cors: {origins: [" + page + "]}", Limits: "{max-requests-per-day: 1}",
	})
	for range 10 {
		r := ask(t, g, http.MethodOptions, chatPath, page, "", preflight)
		h := r.Header
		if r.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != page ||
			h.Get("Access-Control-Allow-Methods") != "POST" || h.Get("Access-Control-Max-Age") != "7200" ||
			h.Get("Access-Control-Allow-Headers") != preflight.Get("Access-Control-Request-Headers") ||
			!strings.Contains(h.Get("Vary"), "Origin") || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Fatalf("%s %v", r.Status, h)
		}
	}
	for _, origin := range []string{"https://evil.example.com", "http://chat.example.com", page + ".evil.com", "null"} {
		if r := ask(t, g, http.MethodOptions, chatPath, origin, "", preflight); r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may: %v", origin, r.Header)
		}
	}
	if sum := g.Ledger.Sum("", ""); sum != (mockvllm.Total{}) {
		t.Errorf("the model server got %+v", sum)
	}
	if r := ask(t, g, http.MethodPost, chatPath, page, userKey, nil); r.StatusCode != http.StatusOK {
		t.Errorf("the one request of the day: %s", r.Status)
	}
}

// TestPagesReadAnswers: every answer may be read by pages of the origins, the
// limits and refusals with it, and by no others.
func TestPagesReadAnswers(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: keys(t), Server: "cors: {origins: [" + page + "]}", Limits: "{max-requests-per-day: 1}",
	})
	for _, tt := range []struct {
		what, method, path, key string
		status                  int
	}{
		{"an answer", http.MethodPost, chatPath, userKey, 200},
		{"a denial", http.MethodPost, chatPath, userKey, 429},
		{"no credential", http.MethodPost, chatPath, "", 401},
		{"no such path", http.MethodGet, "/nowhere", userKey, 404},
		{"the wrong method", http.MethodGet, chatPath, userKey, 405},
		{"a list", http.MethodGet, "/v1/models", userKey, 200},
	} {
		r := ask(t, g, tt.method, tt.path, page, tt.key, nil)
		h := r.Header
		exposed := strings.ToLower(strings.Join(h.Values("Access-Control-Expose-Headers"), ","))
		if r.StatusCode != tt.status || h.Get("Access-Control-Allow-Origin") != page || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %s %v", tt.what, r.Status, h)
		}
		for name := range h {
			if l := strings.ToLower(name); (strings.Contains(l, "ratelimit") || strings.HasPrefix(l, "retry") || strings.HasPrefix(l, "x-")) && !strings.Contains(exposed, l) {
				t.Errorf("%s: %s cannot be read", tt.what, name)
			}
		}
		if r := ask(t, g, tt.method, tt.path, "https://evil.example.com", tt.key, nil); r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another page may read it", tt.what)
		}
	}
}

// TestEveryPage: with * every page reads answers; without a setting none does.
func TestEveryPage(t *testing.T) {
	for server, want := range map[string]string{`cors: {origins: ["*"]}`: "*", "": ""} {
		g := apptest.Start(t, apptest.Options{Server: server})
		if r := ask(t, g, http.MethodGet, "/v1/models", page, "", nil); r.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%q: %v", server, r.Header)
		}
		r := ask(t, g, http.MethodOptions, chatPath, page, "", preflight)
		if allowed := r.StatusCode == http.StatusNoContent; allowed != (want != "") {
			t.Errorf("%q: a preflight gets %s", server, r.Status)
		}
	}
}

// TestClientsAddressInTheLog: behind a trusted proxy the line has the client's
// address, of others their own, and none where names are hashed.
func TestClientsAddressInTheLog(t *testing.T) {
	for server, want := range map[string]string{
		"trusted-proxies: [127.0.0.1]":  `"client":"192.0.2.9"`,
		"trusted-proxies: [10.0.0.0/8]": `"client":"127.0.0.1"`,
	} {
		g := apptest.Start(t, apptest.Options{Server: server})
		r := g.Request(t.Context(), chatPath, "alice", chat("", ""))
		r.Header.Set("X-Forwarded-For", "1.2.3.4, 192.0.2.9")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		eventually(t, "the request is logged", func() bool { return strings.Contains(g.Logs.String(), `"msg":"request"`) })
		if !strings.Contains(g.Logs.String(), want) {
			t.Errorf("%s: no %s in %s", server, want, g.Logs)
		}
	}
}
