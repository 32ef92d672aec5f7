package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// completions returns a completion of 8 prompts of so many token ids each, whose
// sequences have 300 tokens unless they are kept from it.
func completions(ids, n int, more string) string {
	prompt := "[" + strings.Join(slices.Repeat([]string{"5"}, ids), ",") + "]"
	prompts := strings.Join(slices.Repeat([]string{prompt}, 8), ",")
	return fmt.Sprintf(`{"model":"llama2-7b","prompt":[%s],"max_tokens":300,"n":%d,%s"mock":{"output_tokens":300}}`, prompts, n, more)
}

// TestManySequencesStayWithinTheLimit: each sequence gets a token at least, and
// min_tokens if the request has them. Where the limit has no room for that beside
// the input, it is refused for good; otherwise no more is generated than fits.
func TestManySequencesStayWithinTheLimit(t *testing.T) {
	const maximum = 1000
	for _, tt := range []struct {
		name   string
		body   string
		status int
	}{
		{"no room for a token each", completions(120, 128, ``), http.StatusBadRequest},
		{"room for one each", completions(108, 3, ``), http.StatusOK},
		{"room for more", completions(100, 4, ``), http.StatusOK},
		{"no room for min_tokens", completions(100, 4, `"min_tokens":7,`), http.StatusBadRequest},
		{"room for min_tokens", completions(80, 4, `"min_tokens":5,`), http.StatusOK},
		{"streamed, no room", completions(120, 128, `"stream":true,`), http.StatusBadRequest},
		{"streamed", completions(100, 4, `"stream":true,`), http.StatusOK},
	} {
		for _, mode := range []string{"overrun: stop", "reserve: worst-case", "overrun: stop, reserve: worst-case"} {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				g := apptest.Start(t, apptest.Options{Limits: fmt.Sprintf("{max-tokens-per-minute: %d, %s}", maximum, mode)})
				status, _, body := g.Post(t, "/v1/completions", "alice", tt.body)
				if status != tt.status || status != http.StatusOK && !strings.Contains(body, `"code":"request_exceeds_limit"`) {
					t.Fatalf("the answer is %d, want %d: %.300s", status, tt.status, body)
				}
				if w := g.Usage(t, "alice").Windows[0]; w.Used > maximum || w.Reserved != 0 {
					t.Errorf("%d are used and %d reserved of %d", w.Used, w.Reserved, maximum)
				}
				// Of a stream that is stopped, more may have been on its way.
				stopped := tt.name == "streamed" && mode == "overrun: stop"
				if total := g.Ledger.Sum(apptest.Model, ""); total.Input+total.Output > maximum && !stopped {
					t.Errorf("%+v was generated, of %d", total, maximum)
				}
			})
		}
	}
}

// TestDebtNeedsNoRoomForTheOutput: where an answer may outgrow its limit, a small
// one admits what its input leaves no room beside.
func TestDebtNeedsNoRoomForTheOutput(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 1000}"})
	if status, _, body := g.Post(t, "/v1/completions", "alice", completions(112, 16, ``)); status != http.StatusOK {
		t.Errorf("the answer is %d: %.300s", status, body)
	}
}

// TestRefusalNamesWhatInsists: a request that never fits is told to lower what
// insists on most of its least price, and to be shortened where that is its input.
func TestRefusalNamesWhatInsists(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 100, overrun: stop}"})
	for _, tt := range []struct{ content, more, remedy string }{
		{"hello", `"max_tokens":500,"ignore_eos":true`, "lower its max_tokens, or"},
		{"hello", `"max_tokens":500,"min_tokens":400`, "lower its min_tokens, or"},
		{"hello", `"n":128`, "lower its n, or"},
		{"hello", `"n":128,"min_tokens":1`, "lower its n, or"},
		{"hello", `"n":60,"min_tokens":2`, "lower its min_tokens, or"},
		{strings.Repeat("hello ", 800), `"max_tokens":50,"min_tokens":40`, "shorten it, or"},
		{strings.Repeat("hello ", 800), `"max_tokens":500`, "shorten it, or"},
	} {
		status, _, body := g.Post(t, chatPath, "alice", `{"model":"llama2-7b",`+tt.more+`,"messages":[{"role":"user","content":"`+tt.content+`"}]}`)
		if status != http.StatusBadRequest || !strings.Contains(body, tt.remedy) {
			t.Errorf("%s: %d %.300s, want %q", tt.more, status, body, tt.remedy)
		}
	}
}
