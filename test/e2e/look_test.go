package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// TestWhatClientsMeet asks the real binary what libraries and their users ask: who may do
// what and how that is told, models one by one and in two forms, and the routes of what pools.
func TestWhatClientsMeet(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	key := func(name string) string { return name + strings.Repeat("-", identity.KeyBytesMin) }
	var keys []string
	for name, roles := range map[string]string{"alice": "[user]", "operator": "[admin]"} {
		hash, err := identity.HashKey(key(name))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("{name: %s, user: %[1]s, hash: %q, roles: %s}", name, hash, roles))
	}
	p := start(t, "serve", "--config", folder(t, map[string]string{"application.yml": fmt.Sprintf(`
server: {address: "127.0.0.1:0"}
auth: {api-keys: [%s]}
token: {rate-limit: {models: {%s: {max-tokens-per-day: 2251799813685248, max-requests-per-minute: 1000}}}}
vllm: {services: {%[2]s: %q, org/name: {endpoints: [%[3]q], served-as: %[2]s}}}
`, strings.Join(keys, ", "), model, server)}))
	base := "http://" + p.address(t)
	const chat, message = `{"model":"llama2-7b","messages":[{"role":"user","content":"hi"}]}`, `{"model":"llama2-7b","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
	for _, tt := range []struct {
		key, path, body, field string // the field as NAME: VALUE; no body: GET
		status                 int
		want                   string // in the answer, its header included
	}{
		{"alice", "/v1/chat/completions", chat, "X-User-ID: alice", 200, "Ratelimit: \"user-tokens-day\";r=999999999999999;t="},
		{"alice", "/v1/chat/completions", chat, "X-User-ID: bob", 403, "leave X-User-ID out"},
		{"alice", "/v1/chat/completions", chat, "X-User-ID: alice, bob", 400, "X-User-ID has a comma"},
		{"alice", "/v1/chat/completions", `{"model":"\ud83d"}`, "", 400, "half of a surrogate pair"},
		{"operator", "/v1/chat/completions", chat, "", 403, "give it the role user"},
		{"operator", "/api/v1/models", "", "", 200, `"limits":[`},
		{"alice", "/v1/models/org/name", "", "", 200, `{"id":"org/name","object":"model","created":0,"owned_by":"token-rate-limiter"}`},
		{"alice", "/v1/models/org%2Fname", "", "Anthropic-Version: 2023-06-01", 200, `{"type":"model","id":"org/name","display_name":"org/name",`},
		{"alice", "/v1/models", "", "Anthropic-Version: 2023-06-01", 200, `"has_more":false,"first_id":"llama2-7b","last_id":"org/name"}`},
		{"alice", "/v1/messages/batches", "", "", 404, "Request-Id: the-id\r\n"},
		{"alice", "/v1/messages", message, "", 200, "Anthropic-Ratelimit-Requests-Limit: 1000\r\n"},
		{"alice", "/v2/rerank", `{"model":"org/name","query":"q","documents":["a"]}`, "", 200, `"model":"org/name"`},
		{"alice", "/v1/pooling", `{"model":"org/name","input":"a"}`, "", 200, `"object":"pooling"`},
		{"alice", "/classify", `{"model":"llama2-7b","input":"a"}`, "", 200, `"num_classes":2`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.body != "" {
			r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
		}
		r.Header = http.Header{"X-Api-Key": {key(tt.key)}, "X-Request-Id": {"the-id"}}
		if name, value, ok := strings.Cut(tt.field, ": "); ok {
			r.Header.Set(name, value)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var told strings.Builder
		_ = a.Header.Write(&told) // into memory
		_, err = io.Copy(&told, a.Body)
		a.Body.Close()
		if err != nil || a.StatusCode != tt.status || !strings.Contains(told.String(), tt.want) {
			t.Errorf("%s of %s with %s: %d %s (%v), want %d and %s", tt.path, tt.key, tt.field, a.StatusCode, told.String(), err, tt.status, tt.want)
		}
	}
}
