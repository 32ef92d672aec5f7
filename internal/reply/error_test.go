package reply

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
)

var (
	minute = failure.Limit{Meter: "tokens", Window: "minute", Scope: "user", Max: 2000, Used: 1990, Remaining: 10, Need: 20, RetryAfter: 12300 * time.Millisecond}
	hour   = failure.Limit{Meter: "output_tokens", Window: "hour", Scope: "model", Max: 300, KeptBack: 3, Used: 77, Remaining: 220, Need: 264, Lower: "max_tokens", RetryAfter: time.Hour}
	atOnce = failure.Limit{Meter: "concurrent_requests", Scope: "model", Max: 10, Used: 10, RetryAfter: time.Second}
)

func TestErrorJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  *failure.Error
		e    wire.Endpoint
		want string
	}{
		{"OpenAI's shape", failure.InvalidRequest("n", "n must be %s", `"small"`), wire.ChatCompletions,
			`{"error":{"message":"n must be \"small\"","type":"invalid_request_error","param":"n","code":"invalid_request"}}`},
		{"without a param", failure.InvalidKey("no key"), wire.Responses,
			`{"error":{"message":"no key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"of no endpoint", failure.NoPath("/x", ""), 0,
			`{"error":{"message":"there is nothing at \"/x\"","type":"invalid_request_error","param":null,"code":"not_found"}}`},
		{"Anthropic's shape", failure.InvalidRequest("n", "no"), wire.Messages,
			`{"type":"error","error":{"type":"invalid_request_error","message":"no","code":"invalid_request"}}`},
		{"one limit", failure.RateLimited(failure.Tokens, []failure.Limit{minute}, 13100*time.Millisecond), wire.ChatCompletions,
			`{"error":{"message":"the limit of 2000 tokens per minute of this user is reached: 1990 used, 10 left, and this request is priced at 20; try again in 14 s","type":"tokens","param":null,` +
				`"code":"rate_limit_exceeded","meter":"tokens","limit":2000,"window":"minute","scope":"user","used":1990,"remaining":10,"need":20,"retry_after":14}}`},
		{"part of a limit", failure.RateLimited(failure.Tokens, []failure.Limit{hour}, time.Hour), wire.ChatCompletions,
			`{"error":{"message":"the limit of 300 output tokens per hour of all users together, of which 297 are admitted, is reached: 77 used, 220 left, ` +
				`and this request is priced at 264; try again in 3600 s; a lower max_tokens fits sooner","type":"tokens","param":null,` +
				`"code":"rate_limit_exceeded","meter":"output_tokens","limit":300,"window":"hour","scope":"model","used":77,"remaining":220,"need":264,"retry_after":3600}}`},
		{"requests", failure.RateLimited(failure.Requests, []failure.Limit{{Meter: "requests", Window: "day", Max: 3, Used: 3, Need: 1}}, time.Second), wire.ChatCompletions,
			`{"error":{"message":"the limit of 3 requests per day is reached: 3 used, 0 left; try again in 1 s","type":"requests","param":null,` +
				`"code":"rate_limit_exceeded","meter":"requests","limit":3,"window":"day","scope":null,"used":3,"remaining":0,"need":1,"retry_after":1}}`},
		{"two limits", failure.RateLimited(failure.Concurrency, []failure.Limit{atOnce, minute}, time.Second), wire.CountTokens,
			`{"type":"error","error":{"type":"rate_limit_error","message":"the limit of 10 concurrent requests of the model is reached; try again in 1 s",` +
				`"code":"rate_limit_exceeded","meter":"concurrent_requests","limit":10,"window":null,"scope":"model","used":10,"remaining":0,"retry_after":1,"limits":[` +
				`{"meter":"concurrent_requests","limit":10,"window":null,"scope":"model","used":10,"remaining":0,"retry_after":1},` +
				`{"meter":"tokens","limit":2000,"window":"minute","scope":"user","used":1990,"remaining":10,"need":20,"retry_after":13}]}}`},
		{"never fits", failure.ExceedsLimit(5000, failure.Limit{Meter: "tokens", Window: "day", Scope: "user", Max: 4000, Remaining: 4000}), wire.Completions,
			`{"error":{"message":"the request needs at least 5000 tokens, more than the limit of 4000 tokens per day of this user: shorten it, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"day","scope":"user"}}`},
		{"never fits a part", failure.ExceedsLimit(3995, failure.Limit{Meter: "tokens", Window: "hour", Max: 4000, KeptBack: 40}), wire.Completions,
			`{"error":{"message":"the request needs at least 3995 tokens, more than the limit of 4000 tokens per hour, of which 3960 are admitted: shorten it, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"hour","scope":null}}`},
		{"never fits by its output", failure.ExceedsLimit(5000, failure.Limit{Meter: "tokens", Window: "day", Scope: "user", Max: 4000, Lower: "max_output_tokens"}), wire.Responses,
			`{"error":{"message":"the request needs at least 5000 tokens, more than the limit of 4000 tokens per day of this user: lower its max_output_tokens, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"day","scope":"user"}}`},
		{"only a wait", failure.NoServer("m", 1500*time.Millisecond), wire.ChatCompletions,
			`{"error":{"message":"no server of the model \"m\" is available; try again later","type":"server_error","param":null,"code":"model_unavailable","retry_after":2}}`},
	} {
		got := string(answer.AppendError([]byte("HTTP"), BodyOf(tt.err), tt.e))
		if diff := cmp.Diff("HTTP"+tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !json.Valid([]byte(got[4:])) {
			t.Errorf("%s: %s is not JSON", tt.name, got)
		}
	}
}

// TestNotFoundNamesWhatIsMeant: the paths that clients ask for whose base URL is wrong.
func TestNotFoundNamesWhatIsMeant(t *testing.T) {
	for path, want := range map[string]string{
		"/chat/completions": "/v1/chat/completions", "/v1/v1/messages": "/v1/messages", "/v1/v1/messages/count_tokens": "/v1/messages/count_tokens",
		"/openai/v1/embeddings": "/v1/embeddings", "//v1/responses": "/v1/responses", "/v1/chat/completions/": "/v1/chat/completions", "/models": "/v1/models",
		"/": "", "/v1": "", "/completions/x": "", "/v1/images/generations": "", "/xrerank": "",
	} {
		e := failure.NoPath(path, wire.EndpointAtEnd(path))
		if _, meant, _ := strings.Cut(e.Message, ": where "); meant != "" != (want != "") || !strings.HasPrefix(meant, want) || e.Kind != failure.KindNoPath {
			t.Errorf("%s: %s", path, e.Message)
		}
	}
}

// TestEveryKindHasItsAnswer has the status, code and type of every kind, and the type that
// Anthropic's clients see.
func TestEveryKindHasItsAnswer(t *testing.T) {
	seen := map[failure.Kind]bool{}
	for _, tt := range []struct {
		err                   *failure.Error
		status                int
		code, kind, anthropic string
		retryAfter            bool
	}{
		{failure.InvalidRequest("", ""), 400, "invalid_request", "invalid_request_error", "invalid_request_error", false},
		{failure.ExceedsLimit(1, minute), 400, "request_exceeds_limit", "invalid_request_error", "invalid_request_error", false},
		{failure.EstimateExceedsLimit(1, minute), 400, "request_exceeds_limit", "invalid_request_error", "invalid_request_error", false},
		{failure.InvalidKey(""), 401, "invalid_api_key", "invalid_request_error", "authentication_error", false},
		{failure.Permission(""), 403, "permission_denied", "invalid_request_error", "permission_error", false},
		{failure.UserDisabled(), 403, "user_disabled", "invalid_request_error", "permission_error", false},
		{failure.TenantDisabled(), 403, "tenant_disabled", "invalid_request_error", "permission_error", false},
		{failure.NoModel("m"), 404, "model_not_found", "invalid_request_error", "not_found_error", false},
		{failure.NoPath("/", ""), 404, "not_found", "invalid_request_error", "not_found_error", false},
		{failure.Method("GET", "POST"), 405, "method_not_allowed", "invalid_request_error", "invalid_request_error", false},
		{failure.BodyTimeout(time.Second), 408, "request_timeout", "invalid_request_error", "invalid_request_error", false},
		{failure.BodyTooLarge(1), 413, "request_too_large", "invalid_request_error", "request_too_large", false},
		{failure.MediaType(""), 415, "unsupported_media_type", "invalid_request_error", "invalid_request_error", false},
		{failure.RateLimited(failure.Tokens, []failure.Limit{minute}, time.Second), 429, "rate_limit_exceeded", "tokens", "rate_limit_error", true},
		{failure.RateLimited(failure.Requests, []failure.Limit{minute}, time.Second), 429, "rate_limit_exceeded", "requests", "rate_limit_error", true},
		{failure.RateLimited(failure.Concurrency, []failure.Limit{atOnce}, time.Second), 429, "rate_limit_exceeded", "concurrency", "rate_limit_error", true},
		{failure.AtCapacity("m", time.Second), 429, "rate_limit_exceeded", "capacity", "rate_limit_error", true},
		{failure.Of(context.Canceled), 499, "client_left", "invalid_request_error", "invalid_request_error", false},
		{failure.Internal(), 500, "internal_error", "server_error", "api_error", false},
		{failure.Of(errors.New("nobody has thought of it")), 500, "internal_error", "server_error", "api_error", false},
		{failure.Upstream(""), 502, "upstream_error", "server_error", "api_error", false},
		{failure.ModelServer(failure.Foreign{}, ""), 502, "upstream_error", "server_error", "api_error", false},
		{failure.ModelServer(failure.Foreign{Status: 422, Type: "T", Code: "C"}, ""), 422, "C", "T", "invalid_request_error", false},
		{failure.NoServer("m", time.Second), 503, "model_unavailable", "server_error", "overloaded_error", true},
		{failure.NoStore(time.Second), 503, "store_unavailable", "server_error", "overloaded_error", true},
		{failure.NoIdentity(time.Second), 503, "identity_unavailable", "server_error", "overloaded_error", true},
		{failure.OverCapacity(time.Second), 503, "over_capacity", "server_error", "overloaded_error", true},
		{failure.NoDescriptor(time.Second), 503, "over_capacity", "server_error", "overloaded_error", true},
		{failure.CutOff(), 503, "cut_off", "server_error", "overloaded_error", false},
		{failure.ShuttingDown(time.Second), 503, "shutting_down", "server_error", "overloaded_error", true},
		{failure.UpstreamTimeout(""), 504, "upstream_timeout", "server_error", "timeout_error", false},
	} {
		seen[tt.err.Kind] = true
		w := httptest.NewRecorder()
		Error(w, tt.err, wire.ChatCompletions)
		b := BodyOf(tt.err)
		if w.Code != tt.status || b.Code != tt.code || b.Type != tt.kind || (w.Header().Get("Retry-After") != "") != tt.retryAfter {
			t.Errorf("%d %s %s, retry after %q; want %d %s %s, retry after: %v",
				w.Code, b.Code, b.Type, w.Header().Get("Retry-After"), tt.status, tt.code, tt.kind, tt.retryAfter)
		}
		if got := string(answer.AppendError(nil, b, wire.Messages)); !strings.HasPrefix(got, `{"type":"error","error":{"type":"`+tt.anthropic+`"`) {
			t.Errorf("%s: Anthropic's clients get %s, want the type %s", tt.code, got, tt.anthropic)
		}
	}
	for _, k := range failure.Kinds() {
		if !seen[k] || k.String() == "" || statuses[k] == 0 {
			t.Errorf("the kind %d, %q, has the status %d and is not in this table", k, k, statuses[k])
		}
	}
}

// TestErrorTextIsBounded puts in names that are long, or no UTF-8.
func TestErrorTextIsBounded(t *testing.T) {
	for _, name := range []string{strings.Repeat("x", 1<<20), strings.Repeat("한", 1000), strings.Repeat("\x00\"", 9999), "\xff\xfe"} {
		for _, err := range []*failure.Error{failure.NoModel(name), failure.NoPath(name, ""), failure.Method(name, "POST"), failure.InvalidRequest("", "%s", name)} {
			body := answer.AppendError(nil, BodyOf(err), wire.ChatCompletions)
			if !json.Valid(body) || len(body) > 8<<10 {
				t.Errorf("%d bytes for a name of %d, valid: %v", len(body), len(name), json.Valid(body))
			}
		}
	}
}
