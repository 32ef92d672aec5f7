package sdk

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// classes are the libraries' own types of errors, by status; 0 is for all.
var classes = map[string]map[int]string{
	openaiGo: {0: "*apierror.Error"}, // openai.Error
	langChain: { // each of a class of OpenAI's library
		400: "OpenAIInvalidRequestError", 401: "OpenAIAuthenticationError", 404: "OpenAIModelNotFoundError", 429: "OpenAIRateLimitError",
	},
	openaiPython:    usual,
	anthropicPython: usual,
	openaiNode:      usual,
	anthropic:       usual,
	aiSDK:           {0: "AI_APICallError"},
}

// usual are the types that OpenAI's and Anthropic's libraries have.
var usual = map[int]string{
	400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError",
}

func classOf(library string, status int) string {
	library = strings.TrimSuffix(library, async)
	if class := classes[library][0]; class != "" {
		return class
	}
	return classes[library][status]
}

// wantError checks an error as a library raises it.
func wantError(t *testing.T, library string, f *failure, status int, code, text string) {
	t.Helper()
	if f == nil {
		t.Fatal("there is no error")
	}
	if want := classOf(library, status); f.Class != want {
		t.Errorf("the error is a %s, want a %s", f.Class, want)
	}
	if f.Status != status || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("the error is %d %q %q, want %d %q with %q", f.Status, f.Code, f.Message, status, code, text)
	}
	if f.RequestID == "" {
		t.Error("the error has no request id")
	}
}

// TestErrors sends what cannot be served. No library tries again.
func TestErrors(t *testing.T) {
	g := start(t, "{max-tokens-per-minute: 100}", "ursula")
	for _, tt := range []struct {
		name   string
		call   call
		status int
		code   string
		text   string
	}{
		{"too large", call{Model: limited, Prompt: strings.Repeat("many words ", 200)}, http.StatusBadRequest, "request_exceeds_limit", "100 tokens"},
		{"unknown key", call{Model: free, Key: key("nobody")}, http.StatusUnauthorized, "invalid_api_key", "key"},
		{"unknown model", call{Model: "no-model"}, http.StatusNotFound, "model_not_found", "no-model"},
	} {
		for _, name := range everyLibrary {
			for _, stream := range []bool{false, true} {
				t.Run(title(name, tt.name, mock{}, stream), func(t *testing.T) {
					t.Parallel()
					c := tt.call
					c.Check, c.URL, c.Stream, c.Mock = "chat", g.URL, stream, mock{OutputTokens: 1}
					if c.Key == "" {
						c.Key = key("ursula")
					}
					if c.Prompt == "" {
						c.Prompt = hello
					}
					o := ask(t, name, c)
					wantError(t, name, o.Error, tt.status, tt.code, tt.text)
					if len(o.Sent) != 1 {
						t.Errorf("the library tried %d times", len(o.Sent))
					}
				})
			}
		}
	}
	t.Cleanup(func() {
		if n := len(g.Ledger.Entries()); n != 0 {
			t.Errorf("the model server was asked %d times", n)
		}
	})
}

// TestModelServersError passes a 400 of the model server's own on.
func TestModelServersError(t *testing.T) {
	g := start(t, "{}", "ursula")
	for _, name := range everyLibrary {
		t.Run(name, func(t *testing.T) {
			o := ask(t, name, call{
				Check: "chat", URL: g.URL, Key: key("ursula"), Model: free, Prompt: hello, Mock: mock{Status: http.StatusBadRequest},
			})
			if o.Error == nil || o.Error.Status != http.StatusBadRequest || o.Error.Class != classOf(name, http.StatusBadRequest) {
				t.Errorf("the error is %+v", o.Error)
			}
		})
	}
}

// TestLimit uses a limit up. What each library raises tells how long to wait, in
// its header fields and by the snippet of the documentation.
func TestLimit(t *testing.T) {
	g := start(t, "{max-tokens-per-minute: 100}", everyLibrary...)
	for _, name := range everyLibrary {
		t.Run(name, func(t *testing.T) {
			g.spend(t, name, 90)
			o := ask(t, name, call{
				Check: "limit", URL: g.URL, Key: key(name), Model: limited, Prompt: hello, Mock: mock{OutputTokens: 50},
			})
			wantError(t, name, o.Error, http.StatusTooManyRequests, "rate_limit_exceeded", "100 tokens per minute")
			if len(o.Sent) != 1 {
				t.Errorf("the library tried %d times", len(o.Sent))
			}
			if want := map[bool]string{true: "rate_limit_error", false: "tokens"}[slices.Contains(ofAnthropic, name)]; o.Error.Type != want {
				t.Errorf("the error's type is %q, want %q", o.Error.Type, want)
			}
			h := o.Error.Headers
			seconds, err := strconv.Atoi(h["retry-after"])
			if err != nil || seconds < 1 || h["retry-after-ms"] != strconv.Itoa(1000*seconds) {
				t.Errorf("Retry-After is %q, retry-after-ms %q", h["retry-after"], h["retry-after-ms"])
			}
			if o.Error.WaitSeconds != float64(seconds) {
				t.Errorf("the snippet says %v s, the answer %d s", o.Error.WaitSeconds, seconds)
			}
			for field, want := range map[string]string{
				"x-ratelimit-limit-tokens": "100", "x-ratelimit-remaining-tokens": "0", "x-should-retry": "false",
			} {
				if h[field] != want {
					t.Errorf("%s is %q, want %q", field, h[field], want)
				}
			}
		})
	}
}
