package streams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestRejectedOptions: a model server that rejects the options that the gateway
// adds is asked without them, the client sees what a direct request brings, and
// the next request is sent without them at once. One that rejects only usage on
// every chunk still tells the total.
func TestRejectedOptions(t *testing.T) {
	for _, mode := range []string{"reject", "reject-continuous"} {
		t.Run(mode, func(t *testing.T) {
			p := newPair(t, apptest.Options{Limits: "{max-tokens-per-day: 100000}"})
			for i, attempts := range []int{3, 2} { // the direct request is one
				b := streamed(chatPath, ``, fmt.Sprintf(`"output_tokens":30,"stream_options":%q`, mode))
				if direct, through := p.both(t, chatPath, b); direct != through {
					t.Errorf("direct:\n%s\nthrough:\n%s", direct, through)
				}
				id := fmt.Sprintf("same-%d", p.asked)
				if got := p.Ledger.Attempts(id); len(got) != attempts {
					t.Errorf("request %d was sent %d times, with the direct one, want %d", i, len(got), attempts)
				}
				if mode == "reject" {
					p.checkEstimated(t, id)
				} else if e, _ := p.Ledger.Entry(id); logged(t, p.Gateway, id).Estimated || logged(t, p.Gateway, id).Output != e.Output {
					t.Errorf("%+v was charged, the ledger says %d", logged(t, p.Gateway, id), e.Output)
				}
			}
		})
	}
}

// checkEstimated checks that a request whose usage was not told was charged for
// what its text says: within a half of what was generated, and no less than one
// token for each event.
func (p *pair) checkEstimated(t *testing.T, id string) {
	t.Helper()
	e, _ := p.Ledger.Entry(id)
	line := logged(t, p.Gateway, id)
	if !line.Estimated || line.Output < e.Output || line.Output > e.Output*3/2 {
		t.Errorf("%d tokens were charged, estimated %v; the ledger says %d", line.Output, line.Estimated, e.Output)
	}
}

// TestIgnoredOptions: a model server that tells no usage, or only at the end, is
// metered by its text until then.
func TestIgnoredOptions(t *testing.T) {
	for _, tt := range []struct {
		name, mock string
		told       bool
	}{
		{"options ignored", `"stream_options":"ignore"`, false},
		{"no usage", `"usage":"none"`, false},
		{"null usage", `"usage":"null"`, false},
		{"only at the end", `"usage":"final-only"`, true},
	} {
		for _, path := range []string{chatPath, completionsPath} {
			t.Run(tt.name+path, func(t *testing.T) {
				g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000}"})
				p := &pair{Gateway: g}
				c := open(t, g.URL, path, "alice", "quirk", streamed(path, `,"max_tokens":200`, `"output_tokens":40,`+tt.mock))
				checkEnded(t, path, ``, c.all(t))
				e, _ := g.Ledger.Entry("quirk")
				line := logged(t, g, "quirk")
				if !tt.told {
					p.checkEstimated(t, "quirk")
				} else if line.Estimated || line.Output != e.Output || line.Input != e.Input {
					t.Errorf("%+v was charged, the ledger says %d and %d", line, e.Input, e.Output)
				}
			})
		}
	}
}

// TestErrorFirst: an error as a stream's first event becomes a status, and the
// request counts, without tokens.
func TestErrorFirst(t *testing.T) {
	for _, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000, max-requests-per-day: 10}"})
		status, _, answer := g.Post(t, path, "alice", streamed(path, ``, `"fail":"error","after_tokens":0`))
		if status != http.StatusBadGateway || strings.Contains(answer, "data:") || !strings.Contains(answer, `"message"`) {
			t.Errorf("%s: %d: %s", path, status, answer)
		}
		idle(t, g)
		for _, w := range g.Usage(t, "alice").Windows {
			if counted := w.Meter == "requests"; (w.Used == 1) != counted || (w.Used == 0) == counted || w.Reserved != 0 {
				t.Errorf("%s costs %d %s, and %d are reserved", path, w.Used, w.Meter, w.Reserved)
			}
		}
	}
}

// brokenStreams are the ways in which a stream does not come to its end.
var brokenStreams = []struct {
	name, mock string
	own        bool // the model server tells the error itself
}{
	{"error", `"fail":"error","after_tokens":5`, true},
	{"reset", `"fail":"reset","after_tokens":5`, false},
	{"reset in an event", `"fail":"reset-mid-event","after_tokens":5`, false},
	{"closed", `"fail":"close","after_tokens":5`, false},
	{"truncated", `"fail":"truncate","after_tokens":5`, false},
	{"stalled", `"fail":"stall","after_tokens":5`, false},
}

// TestBrokenStreams: a client learns by an error event that its answer broke
// off, is charged for what has come, and the slot comes back.
func TestBrokenStreams(t *testing.T) {
	const stall = 300 * time.Millisecond // the idle-timeout
	for _, path := range []string{chatPath, completionsPath, messagesPath, responsesPath} {
		g := apptest.Start(t, apptest.Options{
			Limits:  "{max-tokens-per-day: 100000, max-concurrent-requests: 1}",
			Service: fmt.Sprintf("idle-timeout: %v", stall),
		})
		for i, tt := range brokenStreams {
			id := fmt.Sprintf("broken-%d", i)
			more := ``
			if path == completionsPath {
				more = `,"max_tokens":100` // or vLLM generates 16
			}
			c := open(t, g.URL, path, id, id, streamed(path, more, `"output_tokens":50,`+tt.mock))
			stream := c.all(t)
			e := conclude(t, stream)
			if c.StatusCode != http.StatusOK || e.Errors != 1 || e.Relayed != 5 || len(e.Finish) != 0 || !tt.own && e.Done != 0 {
				t.Errorf("%s, %s: %+v: %s", path, tt.name, e, tail(stream))
			}
			idle(t, g)
			checkBrokenCharge(t, g, path, tt.name, id)
			if tt.name == "stalled" {
				checkStalled(t, g, stream, id, stall)
			}
		}
	}
}

// checkBrokenCharge compares what a broken stream was charged with the ledger:
// exactly where usage was told with every token, by its text elsewhere.
func checkBrokenCharge(t *testing.T, g *apptest.Gateway, path, name, id string) {
	t.Helper()
	e, _ := g.Ledger.Entry(id)
	line := logged(t, g, id)
	most := e.Output
	if !takesOptions(path) {
		most = e.Output * 2
	}
	if line.Output < e.Output || line.Output > most || line.Input < e.Input {
		t.Errorf("%s, %s: %d and %d were charged, the ledger says %d and %d", path, name, line.Input, line.Output, e.Input, e.Output)
	}
	if used := g.Usage(t, id).Windows[0]; used.Used != line.Input+line.Output || used.Reserved != 0 {
		t.Errorf("%s, %s: the account has %+v, the log %+v", path, name, used, line)
	}
	if n := running(t, g); n != 0 {
		t.Errorf("%s, %s: %d slots are held", path, name, n)
	}
}

// checkStalled checks that a stream that stands still was cut in time, and that
// the client is told why.
func checkStalled(t *testing.T, g *apptest.Gateway, stream, id string, idle time.Duration) {
	t.Helper()
	e, _ := g.Ledger.Entry(id)
	if took := e.End.Sub(e.Last); e.Outcome != mockvllm.Cancelled || took < idle || took > idle+patience/2 {
		t.Errorf("the ledger says %s after %v", e.Outcome, took)
	}
	if !strings.Contains(stream, "upstream_timeout") && !strings.Contains(stream, "in time") {
		t.Errorf("the client is told %s", tail(stream))
	}
}

// TestNothingComes: a stream that has a head and no event is a timeout with a
// status, and costs its input.
func TestNothingComes(t *testing.T) {
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-day: 100000, max-concurrent-requests: 1}", Service: "first-byte-timeout: 200ms",
	})
	c := open(t, g.URL, chatPath, "alice", "silent", streamed(chatPath, ``, `"ttft_ms":60000`))
	var answer struct{ Error failure }
	if err := json.Unmarshal([]byte(c.all(t)), &answer); err != nil {
		t.Fatal(err)
	}
	if c.StatusCode != http.StatusGatewayTimeout || answer.Error.Code != "upstream_timeout" {
		t.Errorf("%d: %+v", c.StatusCode, answer)
	}
	idle(t, g)
	e, _ := g.Ledger.Entry("silent")
	if line := logged(t, g, "silent"); line.Input < e.Input || line.Output != 0 {
		t.Errorf("%d and %d were charged", line.Input, line.Output)
	}
	if n := running(t, g); n != 0 || e.Outcome != mockvllm.Cancelled {
		t.Errorf("%d slots are held, and the ledger says %s", n, e.Outcome)
	}
}

// TestHarmlessQuirks: what a client can do without takes nothing away: the last
// event, one event that is not JSON, a connection that breaks behind the end.
func TestHarmlessQuirks(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000}"})
	for i, tt := range []struct{ path, mock, want string }{
		{chatPath, `"fail":"no-done"`, `"finish_reason":"stop"`},
		{completionsPath, `"fail":"no-done"`, `"finish_reason":"stop"`},
		{chatPath, `"fail":"malformed","after_tokens":3`, "[DONE]"},
		{completionsPath, `"fail":"malformed","after_tokens":3`, "[DONE]"},
		{chatPath, `"fail":"close-idle"`, "[DONE]"},
	} {
		id := fmt.Sprintf("harmless-%d", i)
		c := open(t, g.URL, tt.path, "alice", id, streamed(tt.path, ``, `"output_tokens":12,`+tt.mock))
		stream := c.all(t)
		if !strings.Contains(stream, tt.want) || strings.Contains(stream, `"error"`) {
			t.Errorf("%s, %s: %s", tt.path, tt.mock, tail(stream))
		}
		e, _ := g.Ledger.Entry(id)
		if line := logged(t, g, id); line.Output != e.Output || line.Input != e.Input || line.Error != "" {
			t.Errorf("%s, %s: %+v, the ledger says %d and %d", tt.path, tt.mock, line, e.Input, e.Output)
		}
	}
}

// TestBrokenAnswers: an answer that is one object and breaks off is an error
// with a status, never half an answer.
func TestBrokenAnswers(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000}", Service: "response-timeout: 300ms"})
	for range 20 { // so that the model server is known to be fast
		g.Post(t, chatPath, "others", body(chatPath, ``, `"output_tokens":100`))
	}
	for mock, want := range map[string]int{
		`"fail":"reset"`:                         http.StatusBadGateway,
		`"fail":"close"`:                         http.StatusBadGateway,
		`"fail":"truncate"`:                      http.StatusBadGateway,
		`"fail":"refuse-before-byte"`:            http.StatusBadGateway,
		`"fail":"reset-before-byte"`:             http.StatusBadGateway,
		`"fail":"error"`:                         http.StatusBadGateway,
		`"fail":"stall","after_tokens":3`:        http.StatusGatewayTimeout,
		`"token_ms":50,"output_tokens":100`:      http.StatusGatewayTimeout,
		`"fail":"close-idle","output_tokens":10`: http.StatusOK,
	} {
		for _, path := range []string{chatPath, messagesPath} {
			status, _, answer := g.Post(t, path, "alice", body(path, ``, mock))
			if status != want || !json.Valid([]byte(answer)) {
				t.Errorf("%s, %s: %d, want %d: %s", path, mock, status, want, answer)
			}
		}
	}
	idle(t, g)
	// Four are timed out, after an eighth more than their time at most, and no
	// model server generates more than 4,000 tokens a second.
	if used := g.Usage(t, "alice").Windows[0].Used; used > 4*4_000*4/10 {
		t.Errorf("they cost %d tokens", used)
	}
}

// TestSilentServerIsRemembered: what a model server streams that tells no usage
// until the end cannot be stopped by what it tells. Once that is known, the
// output that was charged is written into requests that must not exceed it.
func TestSilentServerIsRemembered(t *testing.T) {
	for _, mock := range []string{`"stream_options":"ignore"`, `"usage":"final-only"`} {
		g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 100000, overrun: stop, default-output-tokens: 20}"})
		for i, capped := range []bool{false, true, true} {
			id := fmt.Sprint("silent-", i)
			c := open(t, g.URL, chatPath, "alice", id, streamed(chatPath, ``, `"output_tokens":12,`+mock))
			checkEnded(t, chatPath, ``, c.all(t))
			if got := c.Header.Get("X-Token-Output-Cap") != ""; got != capped {
				t.Errorf("%s, request %d: a cap is written: %v, want %v", mock, i, got, capped)
			}
		}
	}
}
