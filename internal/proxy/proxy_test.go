package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

const chatPath = "/v1/chat/completions"

// chat returns a chat body whose answer has n tokens.
func chat(n int, stream bool) string {
	return fmt.Sprintf(`{"model":"llama2-7b","stream":%v,"messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":%d}}`, stream, n)
}

func TestUsedUpWaitedServed(t *testing.T) {
	clock := limittest.NewClock()
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 200, default-output-tokens: 50}",
		Store:  memory.New(memory.Options{Now: clock.Now}),
	})
	served, denied := 0, http.Header(nil)
	for range 20 {
		status, h, body := g.Post(t, chatPath, "alice", chat(30, true))
		if status == http.StatusTooManyRequests {
			denied = h
			if !strings.Contains(body, `"type":"tokens"`) || !strings.Contains(body, `"code":"rate_limit_exceeded"`) {
				t.Errorf("the body of the 429 is %s", body)
			}
			break
		}
		served++
		if status != http.StatusOK || h.Get("X-Ratelimit-Limit-Tokens") != "200" || !strings.Contains(body, "data: [DONE]") {
			t.Fatalf("the answer is %d, %v: %s", status, h, body)
		}
	}
	if served == 0 || denied == nil {
		t.Fatalf("%d were served, and then %v", served, denied)
	}
	wait, err := time.ParseDuration(denied.Get("Retry-After") + "s")
	if err != nil || wait < time.Second || wait > 70*time.Second {
		t.Fatalf("Retry-After is %q", denied.Get("Retry-After"))
	}
	total := g.Ledger.Sum(apptest.Model, "")
	used := g.Usage(t, "alice").Windows[0]
	if used.Used != total.Input+total.Output || used.Reserved != 0 {
		t.Errorf("the account says %d used and %d reserved, the ledger %+v", used.Used, used.Reserved, total)
	}
	clock.Advance(wait)
	if status, _, body := g.Post(t, chatPath, "alice", chat(30, true)); status != http.StatusOK {
		t.Errorf("after waiting as long as told, the answer is %d: %s", status, body)
	}
}

// TestDenialSaysWhy: a denial names whom the limit applies to, how much of it is
// for admission, what the request is priced at, and what would lower that.
func TestDenialSaysWhy(t *testing.T) {
	capped := strings.Replace(chat(60, false), "{", `{"max_tokens":255,`, 1)
	long := strings.Replace(chat(30, false), "Hello", strings.Repeat("Hello ", 50), 1)
	for name, tt := range map[string]struct {
		limits string
		body   string
		before int // requests that are served first
		want   []string
	}{
		"of all users": {"{total: {max-tokens-per-hour: 300}, reserve: worst-case}", capped, 1, []string{
			"the limit of 300 tokens per hour of all users together is reached: ", ", and this request is priced at 2",
			"a lower max_tokens fits sooner", `"scope":"model"`, `"need":2`,
		}},
		"kept back": {"{max-output-tokens-per-minute: 200, default-output-tokens: 200, overrun: stop}", chat(30, false), 1, []string{
			"200 output tokens per minute of this user, of which 198 are admitted, is reached: ", `"limit":200,"window":"minute","scope":"user"`, `"need":198`,
		}},
		"requests": {"{max-requests-per-day: 1}", chat(30, false), 1, []string{
			"1 requests per day of this user is reached: 1 used, 0 left; try again in ",
		}},
		"never": {"{max-input-tokens-per-minute: 2, overrun: stop}", long, 0, []string{
			"more than the limit of 2 input tokens per minute of this user, of which 1 are admitted: shorten", `"scope":"user"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := apptest.Start(t, apptest.Options{Limits: tt.limits})
			for range tt.before {
				if status, _, body := g.Post(t, chatPath, "alice", tt.body); status != http.StatusOK {
					t.Fatalf("the first answer is %d: %s", status, body)
				}
			}
			status, _, body := g.Post(t, chatPath, "alice", tt.body)
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("the answer is %d: %s\nwithout %s", status, body, want)
				}
			}
		})
	}
}
