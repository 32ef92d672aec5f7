package openai

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	minute = Denied{Meter: "tokens", Window: "minute", Scope: "user", Limit: 2000, Used: 1990, Remaining: 10, Need: 20, RetryAfter: 12300 * time.Millisecond}
	hour   = Denied{Meter: "output_tokens", Window: "hour", Scope: "model", Limit: 300, KeptBack: 3, Used: 77, Remaining: 220, Need: 264, Lower: "max_tokens", RetryAfter: time.Hour}
	atOnce = Denied{Meter: "concurrent_requests", Scope: "model", Limit: 10, Used: 10, RetryAfter: time.Second}
)

func TestErrorJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  *Error
		e    Endpoint
		want string
	}{
		{"OpenAI's shape", InvalidRequest("n", "n must be %s", `"small"`), ChatCompletions,
			`{"error":{"message":"n must be \"small\"","type":"invalid_request_error","param":"n","code":"invalid_request"}}`},
		{"without a param", InvalidKey("no key"), Responses,
			`{"error":{"message":"no key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"of no endpoint", NotFound("/x"), 0,
			`{"error":{"message":"there is nothing at \"/x\"","type":"invalid_request_error","param":null,"code":"not_found"}}`},
		{"Anthropic's shape", InvalidRequest("n", "no"), Messages,
			`{"type":"error","error":{"type":"invalid_request_error","message":"no","code":"invalid_request"}}`},
		{"one limit", RateLimited(TokensExhausted, []Denied{minute}, 13100*time.Millisecond), ChatCompletions,
			`{"error":{"message":"the limit of 2000 tokens per minute of this user is reached: 1990 used, 10 left, and this request is priced at 20; try again in 14 s","type":"tokens","param":null,` +
				`"code":"rate_limit_exceeded","meter":"tokens","limit":2000,"window":"minute","scope":"user","used":1990,"remaining":10,"need":20,"retry_after":14}}`},
		{"part of a limit", RateLimited(TokensExhausted, []Denied{hour}, time.Hour), ChatCompletions,
			`{"error":{"message":"the limit of 300 output tokens per hour of all users together, of which 297 are admitted, is reached: 77 used, 220 left, ` +
				`and this request is priced at 264; try again in 3600 s; a lower max_tokens fits sooner","type":"tokens","param":null,` +
				`"code":"rate_limit_exceeded","meter":"output_tokens","limit":300,"window":"hour","scope":"model","used":77,"remaining":220,"need":264,"retry_after":3600}}`},
		{"requests", RateLimited(RequestsExhausted, []Denied{{Meter: "requests", Window: "day", Limit: 3, Used: 3, Need: 1}}, time.Second), ChatCompletions,
			`{"error":{"message":"the limit of 3 requests per day is reached: 3 used, 0 left; try again in 1 s","type":"requests","param":null,` +
				`"code":"rate_limit_exceeded","meter":"requests","limit":3,"window":"day","scope":null,"used":3,"remaining":0,"need":1,"retry_after":1}}`},
		{"two limits", RateLimited(ConcurrencyExhausted, []Denied{atOnce, minute}, time.Second), CountTokens,
			`{"type":"error","error":{"type":"rate_limit_error","message":"the limit of 10 concurrent requests of the model is reached; try again in 1 s",` +
				`"code":"rate_limit_exceeded","meter":"concurrent_requests","limit":10,"window":null,"scope":"model","used":10,"remaining":0,"retry_after":1,"limits":[` +
				`{"meter":"concurrent_requests","limit":10,"window":null,"scope":"model","used":10,"remaining":0,"retry_after":1},` +
				`{"meter":"tokens","limit":2000,"window":"minute","scope":"user","used":1990,"remaining":10,"need":20,"retry_after":13}]}}`},
		{"never fits", RequestExceedsLimit(5000, Denied{Meter: "tokens", Window: "day", Scope: "user", Limit: 4000, Remaining: 4000}), Completions,
			`{"error":{"message":"the request needs at least 5000 tokens, more than the limit of 4000 tokens per day of this user: shorten it, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"day","scope":"user"}}`},
		{"never fits a part", RequestExceedsLimit(3995, Denied{Meter: "tokens", Window: "hour", Limit: 4000, KeptBack: 40}), Completions,
			`{"error":{"message":"the request needs at least 3995 tokens, more than the limit of 4000 tokens per hour, of which 3960 are admitted: shorten it, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"hour","scope":null}}`},
		{"never fits by its output", RequestExceedsLimit(5000, Denied{Meter: "tokens", Window: "day", Scope: "user", Limit: 4000, Lower: "max_output_tokens"}), Responses,
			`{"error":{"message":"the request needs at least 5000 tokens, more than the limit of 4000 tokens per day of this user: lower its max_output_tokens, or ask for a higher limit",` +
				`"type":"invalid_request_error","param":null,"code":"request_exceeds_limit","meter":"tokens","limit":4000,"window":"day","scope":"user"}}`},
		{"only a wait", ModelUnavailable("m", 1500*time.Millisecond), ChatCompletions,
			`{"error":{"message":"no server of the model \"m\" is available; try again later","type":"server_error","param":null,"code":"model_unavailable","retry_after":2}}`},
	} {
		got := string(tt.err.AppendJSON([]byte("HTTP"), tt.e))
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
		e := NotFound(path)
		if _, meant, _ := strings.Cut(e.Message, ": where "); meant != "" != (want != "") || !strings.HasPrefix(meant, want) || e.Code != "not_found" {
			t.Errorf("%s: %s", path, e.Message)
		}
	}
}

// TestErrorTable has the status, code and type of every error that the gateway
// gives, and the type that Anthropic's clients see.
func TestErrorTable(t *testing.T) {
	for _, tt := range []struct {
		err                   *Error
		status                int
		code, kind, anthropic string
		retryAfter            bool
	}{
		{InvalidRequest("", ""), 400, "invalid_request", "invalid_request_error", "invalid_request_error", false},
		{RequestExceedsLimit(1, minute), 400, "request_exceeds_limit", "invalid_request_error", "invalid_request_error", false},
		{InvalidKey(""), 401, "invalid_api_key", "invalid_request_error", "authentication_error", false},
		{PermissionDenied(""), 403, "permission_denied", "invalid_request_error", "permission_error", false},
		{ModelNotFound("m"), 404, "model_not_found", "invalid_request_error", "not_found_error", false},
		{NotFound("/"), 404, "not_found", "invalid_request_error", "not_found_error", false},
		{MethodNotAllowed("GET", "POST"), 405, "method_not_allowed", "invalid_request_error", "invalid_request_error", false},
		{BodyTimeout(time.Second), 408, "request_timeout", "invalid_request_error", "invalid_request_error", false},
		{BodyTooLarge(1), 413, "request_too_large", "invalid_request_error", "request_too_large", false},
		{UnsupportedMediaType(""), 415, "unsupported_media_type", "invalid_request_error", "invalid_request_error", false},
		{RateLimited(TokensExhausted, []Denied{minute}, time.Second), 429, "rate_limit_exceeded", "tokens", "rate_limit_error", true},
		{RateLimited(RequestsExhausted, []Denied{minute}, time.Second), 429, "rate_limit_exceeded", "requests", "rate_limit_error", true},
		{RateLimited(ConcurrencyExhausted, []Denied{atOnce}, time.Second), 429, "rate_limit_exceeded", "concurrency", "rate_limit_error", true},
		{AtCapacity("m", time.Second), 429, "rate_limit_exceeded", "capacity", "rate_limit_error", true},
		{Internal(), 500, "internal_error", "server_error", "api_error", false},
		{UpstreamError(""), 502, "upstream_error", "server_error", "api_error", false},
		{ModelUnavailable("m", time.Second), 503, "model_unavailable", "server_error", "overloaded_error", true},
		{StoreUnavailable(time.Second), 503, "store_unavailable", "server_error", "overloaded_error", true},
		{ShuttingDown(time.Second), 503, "shutting_down", "server_error", "overloaded_error", true},
		{UpstreamTimeout(""), 504, "upstream_timeout", "server_error", "timeout_error", false},
	} {
		e := tt.err
		if e.Status != tt.status || e.Code != tt.code || e.Type != tt.kind || (e.RetryAfterSeconds() > 0) != tt.retryAfter {
			t.Errorf("%d %s %s, retry after %d s; want %d %s %s, retry after: %v",
				e.Status, e.Code, e.Type, e.RetryAfterSeconds(), tt.status, tt.code, tt.kind, tt.retryAfter)
		}
		if got := anthropicType(e.Status); got != tt.anthropic {
			t.Errorf("%s: Anthropic's type %s, want %s", tt.code, got, tt.anthropic)
		}
		if http.StatusText(e.Status) == "" {
			t.Errorf("%s: %d is no status", tt.code, e.Status)
		}
	}
}

// TestErrorTextIsBounded puts in names that are long, or no UTF-8.
func TestErrorTextIsBounded(t *testing.T) {
	for _, name := range []string{strings.Repeat("x", 1<<20), strings.Repeat("한", 1000), strings.Repeat("\x00\"", 9999), "\xff\xfe"} {
		for _, err := range []*Error{ModelNotFound(name), NotFound(name), MethodNotAllowed(name, "POST"), InvalidRequest("", "%s", name)} {
			body := err.AppendJSON(nil, ChatCompletions)
			if !json.Valid(body) || len(body) > 8*errorTextMax {
				t.Errorf("%d bytes for a name of %d, valid: %v", len(body), len(name), json.Valid(body))
			}
		}
	}
}

func TestRetryAfterSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		0: 0, -time.Second: 0, 1: 1, time.Second: 1, time.Second + 1: 2, time.Hour: 3600,
	} {
		e := Error{RetryAfter: d}
		if got := e.RetryAfterSeconds(); got != want {
			t.Errorf("%v: %d s, want %d", d, got, want)
		}
	}
}

// TestForeignErrors: what the model server says is for the client, not the log.
func TestForeignErrors(t *testing.T) {
	e := &Error{Status: 400, Message: "you said hello", Foreign: true}
	if body := string(e.AppendJSON(nil, ChatCompletions)); !strings.Contains(body, "you said hello") {
		t.Errorf("the client gets %s", body)
	}
	if text := e.Error(); strings.Contains(text, "hello") || !strings.Contains(text, "400") {
		t.Errorf("the log gets %s", text)
	}
}
