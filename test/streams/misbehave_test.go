package streams

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// oddCounts are what model servers that misbehave tell in place of a number of
// output tokens, and why the charge is an estimate then.
var oddCounts = map[string]string{
	"-1": "unreadable", "-300": "unreadable", `"many"`: "unreadable", `"300"`: "unreadable", "300.0": "unreadable", "3e2": "unreadable",
	"0.5": "unreadable", "true": "unreadable", "[300]": "unreadable", "null": "missing", "absent": "missing",
	"1": "implausible", "0": "implausible", "1000000000000000": "implausible", "9007199254740993": "unreadable",
}

// TestOddUsageIsNotFree: whatever stands in the place of the number of output
// tokens beside a good input, 300 tokens cost about 300, and the input what it is.
func TestOddUsageIsNotFree(t *testing.T) {
	const tokens = 300
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	n := 0
	for _, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		for count, reason := range oddCounts {
			for _, stream := range []string{"", `,"stream":true`} {
				id := fmt.Sprint("odd-", n)
				n++
				before := estimates(t, g, reason)
				mock := fmt.Sprintf(`"output_tokens":%d,"output_count":%s`, tokens, strconv.Quote(count))
				open(t, g.URL, path, "alice", id, body(path, stream+roomy(path), mock)).all(t)
				line, e := logged(t, g, id), entryOf(t, g, id)
				if e.Output != tokens || line.Output < tokens*3/4 || line.Output > tokens*3/2 || line.Input != e.Input || !line.Estimated {
					t.Errorf("%s%s, output %s: charged %d and %d tokens, estimated %v; the ledger says %d and %d",
						path, stream, count, line.Input, line.Output, line.Estimated, e.Input, e.Output)
				}
				// Within a stream the events have told something else before.
				if after := estimates(t, g, reason); after != before+1 {
					t.Errorf("%s%s, output %s: %v estimates are counted as %s, %v before", path, stream, count, after, reason, before)
				}
			}
		}
	}
}

func estimates(t testing.TB, g *apptest.Gateway, reason string) float64 {
	return metric(t, g, "token_usage_estimated_total", `reason="`+reason+`"`)
}

// roomy returns a member that lets the output be long where that is not so without.
func roomy(path string) string {
	if path == completionsPath {
		return `,"max_tokens":1000`
	}
	return ""
}

// TestShrinkingUsage: what was told before stays told.
func TestShrinkingUsage(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	for i, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		id := fmt.Sprint("shrinking-", i)
		open(t, g.URL, path, "alice", id, streamed(path, roomy(path), `"output_tokens":300,"usage":"shrinking"`)).all(t)
		if line := logged(t, g, id); line.Output < 225 || line.Output > 450 || !line.Estimated {
			t.Errorf("%s: %d tokens of 300 are charged, estimated %v", path, line.Output, line.Estimated)
		}
	}
}

// TestNothingIsRelayedAfterTheEnd: events behind the one that ends a stream reach
// nobody, and end the request; the next one is served as ever.
func TestNothingIsRelayedAfterTheEnd(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	for i, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		for _, beyond := range []int{1, 290} {
			id := fmt.Sprintf("tail-%d-%d", i, beyond)
			got := open(t, g.URL, path, "alice", id, streamed(path, ``, fmt.Sprintf(`"output_tokens":13,"after_done":%d`, beyond))).all(t)
			checkEnded(t, path, ``, got)
			if n := strings.Count(got, "beyond \""); n > 0 {
				t.Errorf("%s: %d of %d events behind the end were relayed", path, n, beyond)
			}
			if line := logged(t, g, id); line.Output != 13 || line.Estimated || line.Error != "" || line.Status != http.StatusOK {
				t.Errorf("%s: logged as %+v", path, line)
			}
		}
	}
	idle(t, g)
}

// TestCommentsAreNoEvents: a stream that sends nothing but comments is idle.
func TestCommentsAreNoEvents(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}", Service: "idle-timeout: 300ms, first-byte-timeout: 300ms"})
	for i, path := range []string{chatPath, messagesPath} {
		for _, after := range []int{0, 5} {
			id := fmt.Sprintf("comments-%d-%d", i, after)
			begun := time.Now()
			c := open(t, g.URL, path, "alice", id, streamed(path, ``, fmt.Sprintf(`"output_tokens":20,"fail":"chatter","after_tokens":%d`, after)))
			got := c.all(t)
			if took := time.Since(begun); took < 200*time.Millisecond || took > patience/2 {
				t.Errorf("%s: the stream has ended after %v", path, took)
			}
			if !strings.Contains(got, "in time") {
				t.Errorf("%s, after %d tokens: the client got %.300q", path, after, got)
			}
		}
	}
	idle(t, g)
}

// TestEncodedAnswers: an answer whose encoding nobody has asked for is undone, or
// refused; its bytes never reach a client that is told nothing of it.
func TestEncodedAnswers(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	plain := func(id, mock string) (status int, h http.Header, answer string) {
		c := open(t, g.URL, chatPath, "alice", id, body(chatPath, ``, `"output_tokens":20`+mock))
		return c.StatusCode, c.Header, c.all(t)
	}
	_, _, want := plain("same", "")
	for _, coding := range []string{"gzip", "deflate", "identity"} {
		status, h, got := plain("same", `,"encoding":"`+coding+`"`)
		if status != http.StatusOK || timeless(got) != timeless(want) || h.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v %.200q, want %.200q", coding, status, h, got, want)
		}
	}
	for _, coding := range []string{"br", "zstd", "gzip, gzip", "none-such"} {
		id := "refused-" + coding[:2]
		status, _, got := plain(id, `,"encoding":"`+coding+`"`)
		if status != http.StatusBadGateway || !strings.Contains(got, strconv.Quote(coding)[1:3]) || strings.Contains(got, "choices") {
			t.Errorf("%s: %d %.300q", coding, status, got)
		}
	}
	for _, coding := range []string{"gzip", "br"} {
		c := open(t, g.URL, chatPath, "alice", "", streamed(chatPath, ``, `"output_tokens":20,"encoding":"`+coding+`"`))
		if got := c.all(t); c.StatusCode != http.StatusBadGateway || strings.Contains(got, "data:") {
			t.Errorf("a stream as %s: %d %.300q", coding, c.StatusCode, got)
		}
	}
	idle(t, g)
}

// timeless takes the time of its making out of an answer.
func timeless(answer string) string {
	before, after, _ := strings.Cut(answer, `"created":`)
	_, after, _ = strings.Cut(after, ",")
	return before + after
}

// TestEncodedBomb: what a few bytes stand for is bounded.
func TestEncodedBomb(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}", Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			_, _ = io.WriteString(z, `{"choices":"`)
			for spaces := strings.Repeat(" ", 1<<20); spaces != ""; {
				for range 64 {
					_, _ = io.WriteString(z, spaces)
				}
				spaces = ""
			}
			_, _ = io.WriteString(z, `"}`)
		})
	}})
	if status, _, answer := g.Post(t, chatPath, "alice", body(chatPath, ``, ``)); status != http.StatusBadGateway || len(answer) > 1000 {
		t.Errorf("%d and %d bytes: %.200q", status, len(answer), answer)
	}
}

// TestCutOffAnswerIsAnError: a JSON answer whose end nothing marks, and that is not
// whole, is none.
func TestCutOffAnswerIsAnError(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000000}"})
	for i, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		id := fmt.Sprint("cut-", i)
		c := open(t, g.URL, path, "alice", id, body(path, ``, `"output_tokens":30,"fail":"cut"`))
		if got := c.all(t); c.StatusCode != http.StatusBadGateway || !strings.Contains(got, "broke off") {
			t.Errorf("%s: %d %.200q", path, c.StatusCode, got)
		}
		if line := logged(t, g, id); line.Input == 0 || !line.Estimated {
			t.Errorf("%s: logged as %+v", path, line)
		}
	}
	idle(t, g)
}

// entryOf returns what the ledger has of a request.
func entryOf(t testing.TB, g *apptest.Gateway, id string) mockvllm.Entry {
	t.Helper()
	e, ok := g.Ledger.Entry(id)
	if !ok {
		t.Fatalf("the ledger has no %s", id)
	}
	return e
}

// TestEncodedRefusals: a model server's own words of refusal are read like its answers.
func TestEncodedRefusals(t *testing.T) {
	const words = `{"error":{"message":"no such thing","type":"BadRequestError","param":null,"code":400}}`
	for coding, want := range map[string]struct {
		status int
		words  string
	}{"gzip": {400, words}, "br": {502, "status 400"}} {
		g := apptest.Start(t, apptest.Options{Limits: "{max-requests-per-day: 100}", Wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Encoding", coding)
				w.WriteHeader(http.StatusBadRequest)
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, words)
				_ = z.Close()
			})
		}})
		for _, b := range []string{body(chatPath, ``, ``), streamed(chatPath, ``, ``)} {
			if status, _, answer := g.Post(t, chatPath, "alice", b); status != want.status || !strings.Contains(answer, want.words) {
				t.Errorf("%s: %d %.300q, want %d with %q", coding, status, answer, want.status, want.words)
			}
		}
	}
}

// TestHugeEventsAreNamed: a client whose stream ends for an event that is too large is told
// so, and how large one may be, whatever came before it.
func TestHugeEventsAreNamed(t *testing.T) {
	const event = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"llama2-7b","choices":[{"index":0,"delta":{"content":"%s"}}]}` + "\n\n"
	for before, status := range map[string]int{"": http.StatusBadGateway, fmt.Sprintf(event, "hi"): http.StatusOK} {
		g := apptest.Start(t, apptest.Options{Wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, before)
				_ = http.NewResponseController(w).Flush()
				_, _ = fmt.Fprintf(w, event, strings.Repeat("x", sse.EventBytesMax))
			})
		}})
		got, _, answer := g.Post(t, chatPath, "alice", streamed(chatPath, ``, ``))
		if want := fmt.Sprintf("an event of more than %d bytes", sse.EventBytesMax); got != status || !strings.Contains(answer, want) {
			t.Errorf("behind %.40q: %d %.600s, want %d with %q", before, got, answer, status, want)
		}
		if strings.Count(answer, "xxxx") > 0 {
			t.Errorf("behind %.40q: a part of the event is passed on", before)
		}
	}
}
