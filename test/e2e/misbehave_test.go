package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// say sends a chat request whose message and further members are given, and returns
// the answer. mock is the model server's behaviour.
func (c client) say(t testing.TB, user, id, message, more, mock string) answer {
	t.Helper()
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]%s,"mock":{%s}}`, model, message, more, mock)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-ID", user)
	r.Header.Set("X-Request-ID", id)
	begun := time.Now()
	response, err := c.http.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(b), time.Since(begun), err}
}

// ordinary is a message like most; the other one is like it.
var ordinary = strings.Repeat("Tell me a story about the sea and about those who live beside it. ", 6)

// TestOneUserDoesNotSetThePriceOfAnother: a user sends odd requests, one for each of
// everybody else's and nine for each. What ordinary requests of others reserve stays
// what it was, also for those who come for the first time.
func TestOneUserDoesNotSetThePriceOfAnother(t *testing.T) {
	t.Parallel()
	for _, odds := range []int{1, 9} {
		_, server := newModelServer(t)
		g := site{server: server, models: map[string]string{model: "{max-input-tokens-per-day: 1000000000}"}}.serve(t)
		held := 0
		reserved := func(user string) int64 {
			held++
			s := g.listen(t, chat{user: user, content: ordinary, tokens: 3, held: fmt.Sprintf("held-%d-%d", odds, held)})
			_, n := g.usage(t, model, user).longest()
			s.leave()
			eventually(t, patience, "the held stream is settled", func() bool { _, n := g.usage(t, model, user).longest(); return n == 0 })
			return n
		}
		for range 20 {
			g.say(t, "alice", "", ordinary, "", `"output_tokens":1`)
		}
		alice, stranger := reserved("alice"), reserved("bob")
		for i := range 261 / odds {
			for j := range odds {
				text := []string{"a few words of it ", "x=[1];{y:2} ", "안녕하세요 ", "你好吗 "}[j%4]
				n := 1 + (i+j)%7
				if a := g.say(t, "mallory", "", strings.Repeat(text, n), "", fmt.Sprintf(`"output_tokens":1,"input_tokens":%d`, 200*n)); a.status != http.StatusOK {
					t.Fatalf("%d %v %s", a.status, a.err, a.body)
				}
			}
			g.say(t, "alice", "", ordinary, "", `"output_tokens":1`)
		}
		aliceAfter, strangerAfter := reserved("alice"), reserved("carol")
		t.Logf("%d odd requests for each ordinary one: alice reserves %d, then %d; a stranger %d, then %d", odds, alice, aliceAfter, stranger, strangerAfter)
		checkFactor(t, "alice", alice, aliceAfter, 1.35)
		checkFactor(t, "a stranger", stranger, strangerAfter, 1.6)
	}
}

func checkFactor(t *testing.T, who string, before, after int64, most float64) {
	t.Helper()
	if f := float64(after) / float64(before); f > most || f < 1/most {
		t.Errorf("what %s reserves has become %.2f times what it was, want at most %.2f or its reciprocal", who, f, most)
	}
}

// TestModelServersThatMisbehave: what they say of the output is no way to get it for
// nothing; what comes behind the end reaches nobody; comments keep no stream alive;
// an answer that cannot be read, or is not whole, is an error.
func TestModelServersThatMisbehave(t *testing.T) {
	t.Parallel()
	ledger, server := newModelServer(t)
	g := site{
		server: server, models: map[string]string{model: "{max-output-tokens-per-day: 1000000000}"},
		service: "idle-timeout: 2s, breaker-failures: 0",
	}.serve(t)
	const tokens = 300
	mocks := []string{`"usage":"shrinking"`}
	for _, count := range []string{"-1", `"many"`, "300.0", "null", "absent", "0", "1000000000000000"} {
		mocks = append(mocks, fmt.Sprintf(`"output_count":%q`, count))
	}
	requests := 0
	for _, mock := range mocks {
		for _, stream := range []string{"", `,"stream":true`} {
			if mock == mocks[0] && stream == "" {
				continue
			}
			requests++
			before := g.outputOf(t, "alice")
			a := g.say(t, "alice", "", ordinary, stream, fmt.Sprintf(`"output_tokens":%d,%s`, tokens, mock))
			charged := g.outputOf(t, "alice") - before
			if a.status != http.StatusOK || charged < tokens*3/4 || charged > tokens*3/2 {
				t.Errorf("%s%s: %d, %d tokens of %d are charged", mock, stream, a.status, charged, tokens)
			}
		}
	}
	t.Logf("%d answers of %d tokens each: %d are charged, %d were generated", requests, tokens, g.outputOf(t, "alice"), books(ledger.Entries()).output())
	var counted float64
	for _, reason := range []string{"missing", "unreadable", "implausible"} {
		counted += g.metricValue("token_usage_estimated_total", `reason="`+reason+`"`)
	}
	if counted != float64(requests) {
		t.Errorf("%v answers of %d are counted as estimated", counted, requests)
	}
	eventually(t, patience, "all are marked as estimated in the log", func() bool { return len(g.stderr.lines(`"estimated":true`)) == requests })

	before := g.outputOf(t, "alice")
	a := g.say(t, "alice", "tail", ordinary, `,"stream":true`, `"output_tokens":13,"after_done":290`)
	relayed, charged := strings.Count(a.body, "data: {"), g.outputOf(t, "alice")-before
	t.Logf("13 tokens, and 290 events behind the end: %d events are relayed, %d tokens charged", relayed, charged)
	if relayed != 14 || charged != 13 || a.err != nil { // the role is one
		t.Errorf("%d events are relayed, %d tokens charged, %v", relayed, charged, a.err)
	}

	a = g.say(t, "alice", "", ordinary, `,"stream":true`, `"output_tokens":9,"fail":"chatter","after_tokens":5`)
	t.Logf("a stream of nothing but comments has ended after %v", a.took)
	if !strings.Contains(a.body, "in time") || a.took < time.Second {
		t.Errorf("after %v: %v %.300q", a.took, a.err, a.body)
	}

	for mock, want := range map[string]int{`"encoding":"gzip"`: 200, `"encoding":"br"`: 502, `"fail":"cut"`: 502} {
		a := g.say(t, "alice", "", ordinary, "", `"output_tokens":30,`+mock)
		if whole := json.Valid([]byte(a.body)) && strings.Contains(a.body, `"choices"`); a.status != want || whole != (want == 200) {
			t.Errorf("%s: %d %.200q", mock, a.status, a.body)
		}
	}
}

// outputOf returns what is used of the output tokens of a user.
func (c client) outputOf(t testing.TB, user string) (n int64) {
	eventually(t, patience, "everything is settled", func() bool {
		used, reserved := c.usage(t, model, user).longest()
		n = used
		return reserved == 0
	})
	return n
}

// output returns how many tokens were really generated.
func (b books) output() (sum int64) {
	for _, e := range b {
		sum += e.Output
	}
	return sum
}
