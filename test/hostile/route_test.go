package hostile_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// foreignPaths are no endpoints: vLLM's other routes, and ways of writing a
// known one that something else might read differently.
var foreignPaths = []string{
	"/", "/v1", "/v1/", "/chat/completions", "/invocations", "/ping", "/health", "/metrics", "/version", "/load", "/server_info",
	"/v1/audio/transcriptions", "/v1/audio/translations", "/v1/realtime", "/v2/score", "/v2/pooling", "/v2/embed", "/v1/rerank/", "/api/v1/models/llama2-7b/v2/rerank",
	"/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/reset_prefix_cache", "/sleep", "/wake_up", "/collective_rpc", "/is_sleeping",
	"/scale_elastic_ep", "/start_profile", "/inference/v1/generate", "/v1/responses/resp_1", "/v1/responses/resp_1/cancel",
	"/v1/chat/completions/render", "/v1/messages/batches", "/docs", "/openapi.json", "/tokenizer_info",
	"/v1/chat/completions/", "/v1/chat/completions//", "//v1/chat/completions", "/v1//chat/completions", "/v1/chat/./completions",
	"/./v1/chat/completions", "/x/../v1/chat/completions", "/v1/chat/completions/..", "/v1/chat/completions/.", "/v1/chat/completions/../../../invocations",
	"/v1/%2e%2e/invocations", "/%2e%2e/invocations", "/v1/chat/completions/%2e%2e/%2e%2e/%2e%2e/invocations", "/v1/%2e/chat/completions",
	"/v1%2fchat/completions", "/v1/chat%2Fcompletions", "/v1/chat/completions%2f", "/v1/chat/completions%00", "/v1/chat/completions%20",
	"/v1/chat/completions;x=1", "/V1/chat/completions", "/v1/Chat/Completions", "/v1\\chat\\completions", "/v1/chat/completions%3f", "/v1/chat/completions/x",
	"/api/v1/models/llama2-7b/invocations", "/api/v1/models/llama2-7b/audio/transcriptions",
	"/api/v1/models/llama2-7b/responses/x", "/api/v1/models/llama2-7b/..%2f..%2finvocations/x", "/api/v1/models//chat/completions", "/api/v1/models/a/b/chat/completions",
	"/api/v1/models/llama2-7b/chat/completions/..", "/api/v1/models/../models/llama2-7b/chat/completions", "/api/v1/models/%2e%2e/%2e%2e/invocations",
	"/api/v1/admin", "/api/v1/admin/", "/api/v1/admin/token-usage", "/api/v1/admin/token-usage/llama2-7b", "/actuator/", "/actuator/heapdump",
	"/actuator/shutdown", "/debug/pprof/", "/debug/vars",
}

// TestForeignPaths asks for what is no endpoint: 404 in the shape of the other
// errors, below the path of administration as a problem, and nothing is passed on.
func TestForeignPaths(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for _, path := range foreignPaths {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			body := chat
			if method != http.MethodPost {
				body = ""
			}
			a := send(t, g, method, path, nil, body)
			if strings.HasPrefix(path, "/api/v1/admin") {
				wantProblem(t, method+" "+path, a, http.StatusNotFound, "not_found")
				continue
			}
			wantFailure(t, method+" "+path, a, http.StatusNotFound, "not_found")
		}
	}
	wantSent(t, r, 0)
	wantUncharged(t, g, "anonymous")
}

// TestPathsOfAnEndpointAreAlike: an endpoint that has several paths is priced and
// charged alike on all of them, and the model server is asked on its own.
func TestPathsOfAnEndpointAreAlike(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for _, e := range wire.Endpoints {
		if len(e.Paths()) == 1 {
			continue
		}
		body := bodies[e.Path()]
		paths := append(slices.Clone(e.Paths()), "/api/v1/models/llama2-7b"+strings.TrimPrefix(e.Path(), "/v1"))
		for _, path := range paths {
			a := send(t, g, http.MethodPost, path, fields{"X-User-ID": path}, body)
			if a.status != http.StatusOK || r.last(t).Path != e.Path() {
				t.Errorf("%s: %d, the model server is asked at %s", path, a.status, r.last(t).Path)
			}
			got, want := g.Usage(t, path), g.Usage(t, paths[0])
			for i, w := range got.Windows {
				if w.Used != want.Windows[i].Used || w.Used == 0 && w.Meter != "output_tokens" {
					t.Errorf("%s: %d %s per %s are used, and on %s %d", path, w.Used, w.Meter, w.Window, paths[0], want.Windows[i].Used)
				}
			}
			line := `"endpoint":"` + e.String() + `","user":"` + path + `"`
			eventually(t, path+" has a line of "+e.String(), func() bool { return strings.Contains(g.Logs.String(), line) })
		}
	}
}

// TestPluginsAreHeldBack: what a plugin of the model server gets has no price.
func TestPluginsAreHeldBack(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	for _, path := range wire.Pooling.Paths() {
		f := wantFailure(t, path, post(t, g, path, `{"model":"llama2-7b","task":"plugin","data":{"url":"http://somewhere"}}`), http.StatusBadRequest, "invalid_request")
		if f.Param != "data" || !strings.Contains(f.Message, "plugin") {
			t.Errorf("%s: %+v", path, f)
		}
	}
	wantSent(t, r, 0)
}

// TestWrongMethods uses known paths in other ways.
func TestWrongMethods(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	allowed := map[string]string{
		"/v1/models": "GET", "/v1/models/llama2-7b": "GET", "/v1/models/org/name": "GET", "/api/v1/models": "GET", "/api/v1/models/llama2-7b": "GET", "/api/v1/models/llama2-7b/health": "GET",
		"/api/v1/admin/token-usage/llama2-7b/alice": "GET", "/actuator/health": "GET", "/actuator/prometheus": "GET", "/actuator/env": "GET", "/actuator": "GET",
		"/api/v1/models/llama2-7b/chat/completions": "POST", "/api/v1/models/llama2-7b/messages": "POST",
	}
	for _, e := range wire.Endpoints {
		for _, path := range e.Paths() {
			allowed[path] = "POST"
		}
	}
	for path, want := range allowed {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"} {
			if method == want || method == "HEAD" && want == "GET" {
				continue
			}
			a := send(t, g, method, path, nil, "")
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != want {
				t.Errorf("%s %s: %d, allowed is %q", method, path, a.status, a.header.Get("Allow"))
			}
			if method != "HEAD" {
				f := wantFailure(t, method+" "+path, a, http.StatusMethodNotAllowed, "method_not_allowed")
				if anthropic := strings.Contains(path, "/messages"); (f.Outer == "error") != anthropic {
					t.Errorf("%s %s: the shape is wrong: %s", method, path, a.body)
				}
			}
		}
	}
	wantSent(t, r, 0)
}

// TestContentTypes sends JSON under other names.
func TestContentTypes(t *testing.T) {
	g, r := start(t, apptest.Options{Limits: everyMeter})
	fine := 0
	for _, tt := range []struct {
		f      fields
		status int
	}{
		{fields{"Content-Type": "application/json"}, 200},
		{fields{"Content-Type": "application/json; charset=utf-8"}, 200},
		{fields{"Content-Type": `Application/JSON;charset="Utf-8"`}, 200},
		{fields{"Content-Type": ""}, 200},
		{fields{"Content-Encoding": "identity"}, 200},
		{fields{"Content-Type": "text/plain"}, 415},
		{fields{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{fields{"Content-Type": "multipart/form-data; boundary=x"}, 415},
		{fields{"Content-Type": "application/json; charset=utf8"}, 200},
		{fields{"Content-Type": "application/json; charset=utf-16"}, 415},
		{fields{"Content-Type": "application/json; charset=euc-kr"}, 415},
		{fields{"Content-Type": "application/jsonx"}, 415},
		{fields{"Content-Type": "json"}, 415},
		{fields{"Content-Type": ";"}, 415},
		{fields{"Content-Encoding": "gzip"}, 415},
		{fields{"Content-Encoding": "br"}, 415},
		{fields{"Content-Encoding": "deflate, gzip"}, 415},
		{fields{"Content-Encoding": "zstd"}, 415},
	} {
		a := send(t, g, http.MethodPost, chatPath, tt.f, chat)
		if a.status != tt.status {
			t.Errorf("%v: %d %s, want %d", tt.f, a.status, a.body, tt.status)
		}
		if tt.status == 200 {
			fine++
			continue
		}
		f := wantFailure(t, "", a, tt.status, "unsupported_media_type")
		if !strings.Contains(f.Message, "application/json") && !strings.Contains(f.Message, "utf-8") && !strings.Contains(f.Message, "as it is") {
			t.Errorf("%v: the message does not say what to send: %s", tt.f, f.Message)
		}
	}
	wantSent(t, r, fine)
}

// TestTwoContentTypes: something in front may have looked at the other one.
func TestTwoContentTypes(t *testing.T) {
	g, r := start(t, apptest.Options{})
	for _, second := range []string{"text/plain", "application/json"} {
		raw := head(postChat, "Content-Type: "+second, "Connection: close", length(len(chat))) + chat
		list := exchange(t, g, second, raw)
		if len(list) != 1 {
			t.Fatalf("%s: the answers are %v", second, list)
		}
		wantFailure(t, "", list[0], http.StatusBadRequest, "invalid_request")
	}
	wantSent(t, r, 0)
}
