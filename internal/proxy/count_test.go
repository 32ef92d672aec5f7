package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/redistest"
)

// TestPicturesKeepTheirPrice: the model server counts a placeholder for a picture,
// which must not take the place of what was declared.
func TestPicturesKeepTheirPrice(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 10000, input-estimate: exact, image-tokens: 2000, default-output-tokens: 1}",
	})
	status, h, body := g.Post(t, chatPath, "alice", `{"model":"llama2-7b","messages":[{"role":"user","content":[`+
		`{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"http://h/a.png"}}]}],"mock":{"output_tokens":1}}`)
	remaining, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining-Tokens"))
	if status != http.StatusOK || err != nil || remaining > 8000 {
		t.Errorf("the answer is %d, with %d remaining: %s", status, remaining, body)
	}
}

// counting is a model server that counts the questions for a number of tokens, and
// answers them with a status of its own where it has one.
type counting struct {
	questions atomic.Int64
	status    int
}

func (c *counting) wrap(mock http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/tokenize" || r.URL.Path == "/v1/messages/count_tokens" {
			c.questions.Add(1)
			if c.status != 0 {
				http.Error(w, "{}", c.status)
				return
			}
		}
		mock.ServeHTTP(w, r)
	})
}

// groups is a text of n tokens to the stand-in, of which the first estimate is twice as
// many and the least that they can be is fewer.
func groups(n int) string { return strings.TrimSpace(strings.Repeat("123 ", n)) }

func question(text, more string) string {
	return `{"model":"llama2-7b","max_tokens":1,` + more + `"messages":[{"role":"user","content":"` + text + `"}]}`
}

// TestDeniedUsersAskNothing: a client whom the limits deny makes no model server count
// its tokens, and who is admitted is counted as one request with the question.
func TestDeniedUsersAskNothing(t *testing.T) {
	for limits, want := range map[string]struct {
		served int
		meter  string
	}{
		"{max-tokens-per-minute: 700, input-estimate: exact}":                                {5, "tokens"},
		"{max-requests-per-minute: 5, input-estimate: exact}":                                {5, "requests"},
		"{max-tokens-per-minute: 100000, max-concurrent-requests: 1, input-estimate: exact}": {30, "tokens"},
	} {
		c := &counting{}
		g := apptest.Start(t, apptest.Options{Limits: limits, Wrap: c.wrap})
		served, denied := 0, 0
		body := strings.Replace(question(groups(100), ""), `"user"`, `"assistant"`, 1) // of which nothing is sure
		for range 30 {
			switch status, _, body := g.Post(t, chatPath, "alice", body); status {
			case http.StatusOK:
				served++
			case http.StatusTooManyRequests:
				denied++
			default:
				t.Fatalf("%s: %d %s", limits, status, body)
			}
		}
		if asked := c.questions.Load(); served < want.served || served+denied != 30 || int(asked) > served+1 {
			t.Errorf("%s: %d of 30 were served, want %d, and the model server was asked %d times", limits, served, want.served, asked)
		}
		if w := g.Usage(t, "alice").Windows[0]; w.Meter == "requests" && w.Used != int64(served) {
			t.Errorf("%s: %d requests are counted, of %d", limits, w.Used, served)
		}
	}
}

// TestQuestionsAreRequests: a question counts, whatever comes of it.
func TestQuestionsAreRequests(t *testing.T) {
	c := &counting{}
	g := apptest.Start(t, apptest.Options{Limits: "{max-requests-per-minute: 4, max-input-tokens-per-minute: 100}", Wrap: c.wrap})
	statuses := map[int]int{}
	for range 10 {
		status, _, body := g.Post(t, chatPath, "alice", question(groups(100), ""))
		if statuses[status]++; status == http.StatusBadRequest && !strings.Contains(body, "at least 107 tokens") {
			t.Errorf("%d %s", status, body)
		}
	}
	if statuses[400] != 4 || statuses[429] != 6 || c.questions.Load() != 4 {
		t.Errorf("answers by status: %v; %d questions; want 4 with status 400 and 6 with 429", statuses, c.questions.Load())
	}
}

// TestTheModelServerDecides: where the estimate of the input is too large for any
// account, and the least that it can be is not, the model server is asked. What it does
// not tell is refused, and nothing is generated.
func TestTheModelServerDecides(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		status, answer   int // of the question, of the request
		questions        int64
		message          string
	}{
		{"it fits", chatPath, question(groups(100), ""), 0, 200, 1, ""},
		{"it does not", chatPath, question(groups(147), ""), 0, 400, 1, "needs at least 154 tokens"},
		{"a completion", "/v1/completions", `{"model":"llama2-7b","max_tokens":1,"prompt":"` + groups(100) + `"}`, 0, 200, 1, ""},
		{"messages", "/v1/messages", question(groups(100), ""), 0, 200, 1, ""},
		{"reasoning that is dropped", "/v1/messages", strings.Replace(question(groups(20), ""), `}]`, `},{"role":"assistant","content":[{"type":"thinking","thinking":"`+
			groups(10)+`","signature":"`+strings.Repeat("c2ln", 60)+`"}]}]`, 1), 0, 200, 1, ""},
		{"messages beside a prompt", "/v1/completions", question("hi", `"prompt":"`+groups(90)+`",`), 0, 400, 0, "is estimated at"},
		{"a prompt beside messages", chatPath, question(groups(90), `"prompt":"hi",`), 0, 400, 0, "is estimated at"},
		{"nobody answers", chatPath, question(groups(100), ""), 404, 400, 1, "is estimated at"},
		{"a word beside", chatPath, question(groups(100), `"documents":["x"],`), 0, 200, 1, ""},
		{"much beside", chatPath, question(groups(90), `"documents":["`+groups(80)+`"],`), 0, 400, 1, "is estimated at 179 tokens, more than the limit of 150 tokens per minute of this user, and the model server has not told"},
		{"several prompts", "/v1/completions", `{"model":"llama2-7b","max_tokens":1,"prompt":["a","` + groups(100) + `"]}`, 0, 400, 0, "is estimated at"},
		{"an endpoint without", "/v1/embeddings", `{"model":"llama2-7b","input":"` + groups(100) + `"}`, 0, 400, 0, "is estimated at"},
		{"pictures", chatPath, strings.Replace(question("", ""), `""`, `[{"type":"image_url","image_url":{"url":"http://h/a.png"}}]`, 1), 0, 400, 0, "is estimated at"},
		{"the least is too much", chatPath, question(groups(400), ""), 0, 400, 0, "needs at least"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &counting{status: tt.status}
			g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 150}", Wrap: c.wrap})
			status, _, body := g.Post(t, tt.path, "alice", tt.body)
			if status != tt.answer || !strings.Contains(body, tt.message) || status != 200 && !strings.Contains(body, "request_exceeds_limit") {
				t.Errorf("%d %s, want %d and %q", status, body, tt.answer, tt.message)
			}
			if c.questions.Load() != tt.questions {
				t.Errorf("%d questions, want %d", c.questions.Load(), tt.questions)
			}
			if spent := g.Ledger.Sum(apptest.Model, ""); spent.Input+spent.Output > 150 || (spent.Input > 0) != (status == 200) {
				t.Errorf("%+v was spent", spent)
			}
		})
	}
}

// TestCountsAreCutDown: a prompt is charged what the model server lets it be by its own
// word, which is its context. What the client asks it to cut may be served all the same.
func TestCountsAreCutDown(t *testing.T) {
	c, routes := &counting{}, http.NewServeMux()
	routes.Handle("/", c.wrap(mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: apptest.Model, ContextLength: 400}}})))
	routes.Handle("GET /v1/models", http.NotFoundHandler()) // which would tell its context
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 10000, input-estimate: exact}", ServerURL: server.URL})
	for more, want := range map[string]int64{`"truncate_prompt_tokens":50`: 501, `"suffix":"of 20 bytes; no less"`: 506, `"truncate_prompt_tokens":-1`: 401, `"temperature":0`: 501} {
		_, h, _ := g.Post(t, "/v1/completions", more, `{"model":"llama2-7b","max_tokens":1,`+more+`,"prompt":"`+groups(500)+`"}`)
		if got := h.Get("X-Ratelimit-Remaining-Tokens"); got != fmt.Sprint(10_000-want) {
			t.Errorf("%s: %s remain of 10000, want %d less", more, got, want)
		}
	}
	if c.questions.Load() != 4 {
		t.Errorf("%d questions", c.questions.Load())
	}
}

// TestQuestionAndRequestAreOne: a request whose tokens are counted holds one running slot
// and is one request, on either store, and what stands charged is what was counted, also
// where something of the output was charged beforehand.
func TestQuestionAndRequestAreOne(t *testing.T) {
	for name, tt := range map[string]struct {
		redis   bool
		overrun string
		room    int // a hundredth is kept back where answers are stopped
	}{"memory": {false, "debt", 1000}, "memory, stop": {false, "stop", 990}, "redis": {true, "debt", 1000}} {
		t.Run(name, func(t *testing.T) {
			c := &counting{}
			o := apptest.Options{Wrap: c.wrap, Limits: "{max-tokens-per-minute: 1000, max-requests-per-minute: 1, " +
				"max-concurrent-requests-per-user: 1, input-estimate: exact, overrun: " + tt.overrun + "}"}
			if tt.redis {
				o.Redis = redistest.Start(t).Addr
			}
			g := apptest.Start(t, o)
			const users = 20
			for i := range users {
				status, h, body := g.Post(t, chatPath, fmt.Sprint("user", i), question(groups(100), ""))
				if got := h.Get("X-Ratelimit-Remaining-Tokens"); status != http.StatusOK || got != fmt.Sprint(tt.room-107-1) || h.Get("X-Ratelimit-Reset-Tokens") == "0s" {
					t.Errorf("%d, %s tokens remain, want %d; reset in %s: %.200s", status, got, tt.room-107-1, h.Get("X-Ratelimit-Reset-Tokens"), body)
				}
			}
			if c.questions.Load() != users {
				t.Errorf("%d questions of %d users", c.questions.Load(), users)
			}
		})
	}
}

// TestCountedIsMoreThanIsLeft: what is counted may be more than what is left, although the
// estimate was not. Then the request is denied as a whole, is no request beside its
// question, and nothing is generated.
func TestCountedIsMoreThanIsLeft(t *testing.T) {
	var counted, generated atomic.Int64
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 1000, max-requests-per-minute: 3, input-estimate: exact}", Config: "logging: {level: debug}",
		Wrap: func(mock http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/tokenize":
					fmt.Fprintf(w, `{"count":%d,"max_model_len":4096,"tokens":[]}`, counted.Load())
					return
				case "/v1/chat/completions":
					generated.Add(1)
				}
				mock.ServeHTTP(w, r)
			})
		},
	})
	counted.Store(600)
	if status, _, body := g.Post(t, chatPath, "alice", question("Hi", "")); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	before := g.Usage(t, "alice").Windows[0].Used
	counted.Store(1000 - before + 1)
	status, lines := explain(t, g, "denied", question("Hi", ""))
	if status != http.StatusTooManyRequests || generated.Load() != 1 || len(lines) == 0 {
		t.Fatalf("%d, after %d answers; %d used before; %+v", status, generated.Load(), before, lines)
	}
	if d := lines[len(lines)-1]; d.Verdict != "denied" || d.Limit != "user tokens per minute" || d.Charge["requests"] != 0 {
		t.Errorf("%+v", d)
	}
}
