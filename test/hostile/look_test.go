package hostile_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// anthropicFields is what Anthropic's clients send with every request.
func anthropicFields(key string) fields {
	return fields{"X-API-Key": key, "Anthropic-Version": "2023-06-01"}
}

// object reads an answer that is a JSON object.
func object(t *testing.T, a answer) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return o
}

// TestModelsInTwoForms: OpenAI's clients get models in OpenAI's form, and Anthropic's in
// theirs, of any name.
func TestModelsInTwoForms(t *testing.T) {
	g, r := start(t, apptest.Options{Auth: true, Config: keyring(t), Limits: everyMeter, Aliases: []string{"org/model-1", "한국어 model"}})
	names := []string{"llama2-7b", "org/model-1", "한국어 model"}
	openAI := func(name string) any {
		return map[string]any{"id": name, "object": "model", "created": 0.0, "owned_by": "token-rate-limiter"}
	}
	anthropic := func(name string) any {
		return map[string]any{"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z", "lifecycle": "active"}
	}
	lists := map[string]map[string]any{"openai": {"object": "list"}, "anthropic": {"has_more": false, "first_id": names[0], "last_id": names[2]}}
	for form, item := range map[string]func(string) any{"openai": openAI, "anthropic": anthropic} {
		f := fields{"Authorization": bearer("user"), "X-Request-ID": "look"}
		if form == "anthropic" {
			f = anthropicFields(key("user"))
			f["X-Request-ID"] = "look"
		}
		lists[form]["data"] = []any{item(names[0]), item(names[1]), item(names[2])}
		for _, path := range []string{"/v1/models", "/api/v1/models"} {
			a := send(t, g, http.MethodGet, path, f, "")
			if diff := cmp.Diff(lists[form], object(t, a)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", path, form, diff)
			}
			if (a.header.Get("Request-Id") == "look") != (form == "anthropic") {
				t.Errorf("%s, %s: %v", path, form, a.header)
			}
		}
		for path, name := range map[string]string{
			"/v1/models/llama2-7b": names[0], "/v1/models/org/model-1": names[1], "/v1/models/org%2Fmodel-1": names[1], "/v1/models/org%2fmodel%2d1": names[1],
			"/v1/models/%ED%95%9C%EA%B5%AD%EC%96%B4%20model": names[2], "/api/v1/models/org%2Fmodel-1": names[1],
		} {
			a := send(t, g, http.MethodGet, path, f, "")
			if diff := cmp.Diff(item(name), any(object(t, a))); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", path, form, diff)
			}
			if head := send(t, g, http.MethodHead, path, f, ""); head.status != http.StatusOK || head.body != "" {
				t.Errorf("HEAD %s: %d %s", path, head.status, head.body)
			}
		}
	}
	for _, name := range []string{"user", "admin"} {
		for _, path := range []string{"/api/v1/models", "/api/v1/models/llama2-7b", "/v1/models", "/v1/models/llama2-7b"} {
			a := send(t, g, http.MethodGet, path, anthropicFields(key(name)), "")
			if want := name == "admin" && strings.HasPrefix(path, "/api/"); strings.Contains(a.body, `"endpoints"`) != want || strings.Contains(a.body, `"limits"`) != want {
				t.Errorf("%s sees at %s: %s", name, path, a.body)
			}
		}
	}
	wantSent(t, r, 0)
}

// TestLooksThatFail: errors of those that only look have the form of their clients.
func TestLooksThatFail(t *testing.T) {
	g, _ := start(t, apptest.Options{Auth: true, Config: keyring(t)})
	for path, code := range map[string]string{
		"/v1/models/nobody": "model_not_found", "/v1/models/llama2-7b/x": "model_not_found", "/v1/models/": "model_not_found", "/v1/models/..": "not_found",
		"/v1/models/llama2-7b/..%2fx": "model_not_found", "/v1/models/%2e%2e": "model_not_found", "/v1/models//x": "not_found", "/v1/models/%ff": "model_not_found",
		"/v1/messages/batches": "not_found", "/v1/files": "not_found", "/api/v1/models/nobody": "model_not_found", "/api/v1/models/nobody/health": "model_not_found",
	} {
		for _, f := range []fields{{"Authorization": bearer("user")}, anthropicFields(key("user"))} {
			a := send(t, g, http.MethodGet, path, f, "")
			failed := wantFailure(t, path, a, http.StatusNotFound, code)
			want := f["Anthropic-Version"] != "" || strings.HasPrefix(path, "/v1/messages")
			if (failed.Outer == "error") != want || (a.header.Get("Request-Id") != "") != want {
				t.Errorf("%s with %v: %s, %v", path, f, a.body, a.header)
			}
		}
	}
	for _, path := range []string{"/v1/models", "/v1/models/llama2-7b", "/api/v1/models", "/api/v1/models/llama2-7b"} {
		a := send(t, g, http.MethodGet, path, anthropicFields(key("nobody")), "")
		if f := wantFailure(t, path, a, http.StatusUnauthorized, "invalid_api_key"); f.Type != "authentication_error" || a.header.Get("Request-Id") == "" {
			t.Errorf("%s: %s, %v", path, a.body, a.header)
		}
	}
}

// TestAnthropicLimits: answers and denials on Anthropic's routes, streams too, say where
// the caller stands in Anthropic's fields beside the others; no other route does.
func TestAnthropicLimits(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: "{max-tokens-per-minute: 100000, max-input-tokens-per-hour: 500000, max-requests-per-day: 5}"})
	const message = `{"model":"llama2-7b","max_tokens":9,"messages":[{"role":"user","content":"hi"}]`
	for i, tt := range []struct {
		path, body string
		status     int
	}{
		{"/v1/messages", message + "}", 200}, {"/v1/messages", message + `,"stream":true}`, 200},
		{"/v1/messages/count_tokens", message + "}", 200}, {behind("llama2-7b", "/v1/messages"), message + "}", 200},
		{chatPath, chat, 200}, {"/v1/messages", message + "}", 429}, {chatPath, chat, 429},
	} {
		a := post(t, g, tt.path, tt.body)
		if a.status != tt.status {
			t.Fatalf("%s: %d %s", tt.path, a.status, a.body)
		}
		there := strings.Contains(tt.path, "/messages")
		for kind, limit := range map[string]string{"Requests": "5", "Tokens": "100000", "Input-Tokens": "500000", "Output-Tokens": ""} {
			prefix := "Anthropic-Ratelimit-" + kind + "-"
			if !there || limit == "" {
				if _, told := a.header[prefix+"Limit"]; told {
					t.Errorf("%d, %s: %v", i, tt.path, a.header)
				}
				continue
			}
			reset, err := time.Parse(time.RFC3339, a.header.Get(prefix+"Reset"))
			if a.header.Get(prefix+"Limit") != limit || a.header.Get(prefix+"Remaining") == "" || err != nil || reset.Before(time.Now()) {
				t.Errorf("%d, %s, %s: %v (%v)", i, tt.path, kind, a.header, err)
			}
			if other := map[string]string{"Requests": "Requests", "Tokens": "Tokens"}[kind]; other != "" && a.header.Get(prefix+"Remaining") != a.header.Get("X-Ratelimit-Remaining-"+other) {
				t.Errorf("%d, %s, %s: the two kinds of fields differ: %v", i, tt.path, kind, a.header)
			}
		}
	}
	free, _ := start(t, apptest.Options{})
	for name := range post(t, free, "/v1/messages", message+"}").header {
		if strings.Contains(name, "Ratelimit") {
			t.Errorf("without limits there is %s", name)
		}
	}
}
