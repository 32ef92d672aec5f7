package streams

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// competitors are the streams that compete for one account under overrun "stop".
var competitors = []struct{ path, more, mock string }{
	{chatPath, ``, ``},
	{chatPath, `,"stream_options":{"include_usage":true}`, `,"split":40`},
	{chatPath, `,"n":3,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`, ``},
	{chatPath, `,"n":3`, `,"choice_tokens":[3,50]`},
	{completionsPath, `,"max_tokens":2000`, ``},
	{completionsPath, `,"n":2,"max_tokens":2000`, `,"null_usage":true`},
	{chatPath, ``, `,"usage":"none"`},
	{chatPath, ``, `,"usage":"final-only","reasoning_tokens":20`},
	{chatPath, ``, `,"usage":"null","language":"ko"`},
	{messagesPath, ``, ``},
	{responsesPath, ``, ``},
}

// TestBacking lets users share one limit of the model: at no instant has a client
// received more tokens than its request was charged, whoever stops first, and
// every stream that is stopped ends properly and frees the model server.
func TestBacking(t *testing.T) {
	for name, store := range map[string]func() *recorder{
		"memory": newRecorder,
		"redis":  func() *recorder { return newRedisRecorder(t) },
	} {
		t.Run(name, func(t *testing.T) { testBacking(t, store()) })
	}
}

func testBacking(t *testing.T, r *recorder) {
	const maximum, rounds, each = 2000, 2, 3
	g := apptest.Start(t, apptest.Options{
		Limits: fmt.Sprintf("{total: {max-tokens-per-minute: %d}, default-output-tokens: 16, overrun: stop}", maximum), Store: r,
	})
	random := rand.New(rand.NewPCG(5, 5))
	client := newClient(t)
	var stopped, completed, denied, late int64
	for round := range rounds {
		var all sync.WaitGroup
		var mu sync.Mutex
		for i := range each * len(competitors) {
			tt := competitors[i%len(competitors)]
			user := fmt.Sprintf("user-%d-%d", round, i)
			b := streamed(tt.path, tt.more, fmt.Sprintf(`"output_tokens":%d,"token_ms":%v%s`, 20+random.IntN(120), 4+4*random.Float64(), tt.mock))
			all.Go(func() {
				stream, _ := relayBacked(t, client, g, r, tt.path, user, b)
				e, _ := g.Ledger.Entry(user)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case stream == "":
					denied++
				case e.Outcome == mockvllm.Cancelled:
					stopped++
					late += e.Output - r.granted(user).Output
					checkStopped(t, tt.path, tt.more, stream)
				default:
					completed++
					checkEnded(t, tt.path, tt.more, stream)
				}
			})
		}
		all.Wait()
		idle(t, g)
		r.checkWithin(t, maximum*99/100)
		r.clock.Advance(2 * time.Minute)
	}
	if stopped < rounds || completed < rounds {
		t.Errorf("%d streams were stopped, %d came to their end, %d were denied", stopped, completed, denied)
	}
	t.Logf("%d streams were stopped, %d came to their end, %d were denied; a stopped one generated %.1f more than was charged (mean)",
		stopped, completed, denied, float64(late)/float64(max(stopped, 1)))
}

// relayBacked reads a stream and checks at every event that what has come so far
// was charged before. It returns "" for one that was not admitted.
func relayBacked(t *testing.T, client *http.Client, g *apptest.Gateway, r *recorder, path, user, body string) (stream string, received int64) {
	c, err := send(t.Context(), client, g.URL, path, user, user, body)
	if err != nil {
		t.Error(err)
		return "", 0
	}
	defer c.Body.Close()
	if c.StatusCode != http.StatusOK {
		if c.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the answer is %d", c.StatusCode)
		}
		return "", 0
	}
	for {
		event, err := c.next()
		stream += event
		if n := relayed(event); n > 0 {
			received += n
			if charged := r.granted(user).Output; received > charged {
				t.Errorf("%d tokens of %s have come, and %d were charged", received, path, charged)
				return stream, received
			}
		}
		if err != nil {
			return stream, received
		}
	}
}

// checkEnded checks that a stream has come to a proper end.
func checkEnded(t *testing.T, path, more, stream string) {
	t.Helper()
	e := conclude(t, stream)
	if e.Done != 1 || e.Errors != 0 || takesOptions(path) && (e.Ends != 1 || len(e.Finish) != choicesOf(more)) {
		t.Errorf("the answer does not end properly: %+v: %s", e, tail(stream))
	}
}

// checkWithin checks that all that was charged before settling fits.
func (r *recorder) checkWithin(t *testing.T, admissible int64) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var now, most int64
	for _, b := range r.books {
		for _, c := range b.charges {
			if c.debt != 0 {
				t.Errorf("a top-up has gone into debt: %+v", c)
			}
		}
		last := b.charges[len(b.charges)-1].at
		if !b.settled {
			t.Errorf("a request of %s is not settled", b.user)
		}
		if r.clock.Now().Sub(last) == 0 {
			now += b.used.Tokens()
			most++
		}
	}
	// What is generated while a stop is under way is charged when it is settled,
	// an event for each stream; a hundredth of the limit is kept for that.
	if now > admissible+3*most {
		t.Errorf("%d tokens are used, and %d admissible", now, admissible)
	}
}

// TestStopAtEveryToken stops answers at each of their last tokens in turn: also
// where the token that does not fit is the one that ends a choice.
func TestStopAtEveryToken(t *testing.T) {
	const maximum = 101 // of which one is kept back
	for _, tt := range []struct{ path, more string }{
		{chatPath, ``},
		{chatPath, `,"stream_options":{"include_usage":true}`},
		{chatPath, `,"n":3,"stream_options":{"include_usage":true,"continuous_usage_stats":true}`},
		{completionsPath, `,"max_tokens":500,"stream_options":{"include_usage":true}`},
		{completionsPath, `,"max_tokens":500,"n":3`},
		{completionsPath, `,"max_tokens":500,"n":2,"best_of":3`},
	} {
		r := newRecorder()
		g := apptest.Start(t, apptest.Options{
			Limits: fmt.Sprintf("{max-tokens-per-minute: %d, default-output-tokens: 4, overrun: stop}", maximum), Store: r,
		})
		client := newClient(t)
		stops, n := 0, int64(choicesOf(tt.more))
		for tokens := 80 / n; tokens <= 114/n; tokens++ {
			user := fmt.Sprintf("user-%d", tokens)
			stream, received := relayBacked(t, client, g, r, tt.path, user, streamed(tt.path, tt.more, fmt.Sprintf(`"output_tokens":%d`, tokens)))
			e := conclude(t, stream)
			if e.Done != 1 || e.Errors != 0 || e.Ends != 1 || len(e.Finish) != int(n) {
				t.Fatalf("%s%s, %d tokens, %d came: %+v: %s", tt.path, tt.more, tokens, received, e, tail(stream))
			}
			if received < tokens*n {
				stops++
				checkStopped(t, tt.path, tt.more, stream)
				checkTold(t, e.Total, received, r.granted(user).Output)
			}
		}
		if stops < 3 {
			t.Errorf("%s%s: %d streams were stopped only", tt.path, tt.more, stops)
		}
		idle(t, g)
	}
}

// checkTold checks the usage that a stopped stream tells, if it does: no less
// than what has come, and no more than what was charged.
func checkTold(t *testing.T, told *tokens, received, charged int64) {
	t.Helper()
	if told != nil && (told.Completion < received || told.Completion > charged) {
		t.Errorf("the usage is %+v, %d tokens came and %d were charged", *told, received, charged)
	}
}

// capped are the answers that cannot be stopped on their way.
var capped = []struct{ name, path, body string }{
	{"chat", chatPath, body(chatPath, ``, `"output_tokens":500`)},
	{"chat-with-a-cap-above", chatPath, body(chatPath, `,"max_tokens":400`, `"output_tokens":500`)},
	{"three-choices", chatPath, body(chatPath, `,"n":3`, `"output_tokens":500`)},
	{"two-prompts", completionsPath, fmt.Sprintf(`{"model":%q,"prompt":["a b","c d"],"n":2,"max_tokens":300,"mock":{"output_tokens":500}}`, apptest.Model)},
	{"message", messagesPath, body(messagesPath, ``, `"output_tokens":500`)},
	{"response", responsesPath, body(responsesPath, ``, `"output_tokens":500`)},
	{"message-stream", messagesPath, streamed(messagesPath, ``, `"output_tokens":500`)},
	{"response-stream", responsesPath, streamed(responsesPath, ``, `"output_tokens":500`)},
}

// TestCappedAnswers checks that the model server is held to what was charged for
// answers that are not metered as they come, and that the client is told.
func TestCappedAnswers(t *testing.T) {
	r := newRecorder()
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 200, default-output-tokens: 48, overrun: stop}", Store: r})
	for _, tt := range capped {
		c := open(t, g.URL, tt.path, tt.name, tt.name, tt.body)
		answer := c.all(t)
		told, err := strconv.ParseInt(c.Header.Get("X-Token-Output-Cap"), 10, 64)
		if c.StatusCode != http.StatusOK || err != nil || told < 1 {
			t.Fatalf("%s: %d, cap %q: %s", tt.name, c.StatusCode, c.Header.Get("X-Token-Output-Cap"), answer)
		}
		e, _ := g.Ledger.Entry(tt.name)
		granted := r.granted(tt.name).Output
		for _, choice := range e.Choices {
			if choice.Output != told {
				t.Errorf("%s: a choice has %d tokens, the cap is %d", tt.name, choice.Output, told)
			}
		}
		if e.Output > granted || e.Output < granted-int64(len(e.Choices)) {
			t.Errorf("%s: %d tokens were generated, and %d charged", tt.name, e.Output, granted)
		}
		if e.Outcome != mockvllm.Completed {
			t.Errorf("%s: the ledger says %s", tt.name, e.Outcome)
		}
	}
}

// TestCapBelowTheCharge: a client's own cap below what the limits have room for
// is left alone, and no header speaks of another.
func TestCapBelowTheCharge(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 200, overrun: stop}", Store: newRecorder()})
	c := open(t, g.URL, chatPath, "alice", "", body(chatPath, `,"max_tokens":9`, `"output_tokens":500`))
	var answer struct{ Usage tokens }
	if err := json.Unmarshal([]byte(c.all(t)), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Usage.Completion != 9 || c.Header.Get("X-Token-Output-Cap") != "" {
		t.Errorf("%d tokens came, and the header is %q", answer.Usage.Completion, c.Header.Get("X-Token-Output-Cap"))
	}
}
