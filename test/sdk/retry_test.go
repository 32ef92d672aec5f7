package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// The wait of a retry: what is used up leaves the window 61 s after its slot
// began, and the spread is 2 s at most for a lone client.
const (
	aged     = 54 * time.Second // when the library asks
	leastGap = 5 * time.Second
	mostGap  = 20 * time.Second
)

// retried is a library that runs into a limit, as it comes.
type retried struct {
	library string
	stream  bool
	wait    bool // for room in some seconds; else for a minute
	gateway *gateway
	outcome outcome
	err     error
}

// TestRetry lets each library run into a limit. Where there is room in some
// seconds it waits as told and tries again, which succeeds: the model server
// serves one request, and the gateway sees two attempts. Where the wait is longer
// than a minute it gives up, with an error that tells the wait.
func TestRetry(t *testing.T) {
	var all []*retried
	var running sync.WaitGroup
	for _, name := range everyLibrary {
		l := libraries.get(t, name)
		for i := range 4 {
			r := &retried{
				library: name, stream: i%2 == 1, wait: i < 2,
				gateway: start(t, "{max-tokens-per-minute: 100}", "ursula"),
			}
			r.gateway.spend(t, "ursula", 90)
			all = append(all, r)
			// All wait at the same time, more than tests run in parallel.
			running.Go(func() { r.run(t.Context(), l) })
		}
	}
	running.Wait()
	for _, r := range all {
		check, judge := "too long", r.wantGivenUp
		if r.wait {
			check, judge = "retry", r.wantServed
		}
		t.Run(title(r.library, check, mock{}, r.stream), judge)
	}
}

var forty = mock{OutputTokens: 40}

func (r *retried) run(ctx context.Context, l library) {
	if r.wait {
		r.gateway.clock.Advance(aged)
		r.gateway.clock.run()
	}
	r.outcome, r.err = l.run(ctx, call{
		Check: "retry", URL: r.gateway.URL, Key: key("ursula"), Model: limited, Stream: r.stream, Prompt: hello, Mock: forty,
	})
}

func (r *retried) wantServed(t *testing.T) {
	o := r.outcome
	if r.err != nil || o.Result == nil {
		t.Fatalf("after %d attempts: %+v (%v)", len(o.Sent), o.Error, r.err)
	}
	wantText(t, o.Result, forty)
	wantAttempts(t, r.gateway, o)
	if got, want := r.gateway.used(t, "ursula"), o.Result.Usage.Input+o.Result.Usage.Output; got != want {
		t.Errorf("%d tokens are charged, %d were used", got, want)
	}
}

func (r *retried) wantGivenUp(t *testing.T) {
	o := r.outcome
	if r.err != nil {
		t.Fatal(r.err)
	}
	attempts := 1
	if r.library == aiSDK {
		attempts = 3 // it has a minute's patience too, but then tries after 2 s and 4 s
	}
	if len(o.Sent) != attempts {
		t.Errorf("the library tried %d times, want %d", len(o.Sent), attempts)
	}
	wantError(t, r.library, o.Error, http.StatusTooManyRequests, "rate_limit_exceeded", "100 tokens per minute")
	if wait, err := strconv.Atoi(o.Error.Headers["retry-after"]); err != nil || wait <= 60 {
		t.Errorf("the error tells a wait of %q s", o.Error.Headers["retry-after"])
	}
	if n := len(r.gateway.Ledger.Entries()); n != 1 {
		t.Errorf("the model server has served %d requests, want the first only", n)
	}
}

// wantAttempts judges two attempts by the library, the gateway's log and the
// model server's ledger.
func wantAttempts(t *testing.T, g *gateway, o outcome) {
	t.Helper()
	if len(o.Sent) != 2 || len(o.IDs) != 2 {
		t.Fatalf("the library tried %d times", len(o.Sent))
	}
	if diff := cmp.Diff(o.Sent[0], o.Sent[1]); diff != "" {
		t.Errorf("the second attempt is another one (-first +second):\n%s", diff)
	}
	logged := g.logged(t)[1:] // without the one that used the limit up
	if len(logged) != 2 || logged[0].ID != *o.IDs[0] || logged[1].ID != *o.IDs[1] {
		t.Fatalf("the gateway has logged %+v", logged)
	}
	if logged[0].Status != 429 || logged[1].Status != 200 {
		t.Errorf("the attempts are answered with %d and %d, want 429 and 200", logged[0].Status, logged[1].Status)
	}
	if gap := logged[1].Time.Sub(logged[0].Time); gap < leastGap || gap > mostGap {
		t.Errorf("the library waited %v", gap)
	}
	if n := len(g.Ledger.Attempts(logged[0].ID)); n != 0 {
		t.Errorf("the attempt that was denied reached the model server %d times", n)
	}
	if e := g.entry(t, logged[1].ID); e.Outcome != mockvllm.Completed {
		t.Errorf("the ledger: %+v", e)
	}
	if n := len(g.Ledger.Entries()); n != 2 {
		t.Errorf("the model server has served %d requests, want the first and this one", n)
	}
}

// line is a request in the gateway's log.
type line struct {
	Time   time.Time `json:"time"`
	Msg    string    `json:"msg"`
	ID     string    `json:"id"`
	Status int       `json:"status"`
}

// logged returns the requests that the gateway has logged for a model.
func (g *gateway) logged(t *testing.T) []line {
	t.Helper()
	var lines []line
	for text := range strings.Lines(g.Logs.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if l.Msg == "request" {
			lines = append(lines, l)
		}
	}
	return lines
}
