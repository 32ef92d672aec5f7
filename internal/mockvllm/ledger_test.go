package mockvllm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestLedgerEntry compares a whole entry with what its request was.
func TestLedgerEntry(t *testing.T) {
	s := New(Options{Models: []Model{{Name: "m"}}, Clock: func() time.Time { return epoch }})
	call(s, http.MethodPost, "/v1/completions", "r", `{"model":"m","user":"ann","prompt":["a b","c"],"n":2,
		"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},
		"mock":{"choice_tokens":[1,2,3,4],"cached_tokens":1}}`)
	got, _ := s.Ledger().Entry("r")
	choice := func(n int64) Choice { return Choice{Output: n, First: epoch, Last: epoch} }
	want := Entry{
		Seq: 1, ID: "r", Attempt: 1, User: "ann", Model: "m", Endpoint: "completions", Stream: true,
		Outcome: Completed, Status: 200, Input: 3, Output: 10, Cached: 1, InFlight: 1,
		Choices: []Choice{choice(1), choice(2), choice(3), choice(4)},
		Told:    Told{Any: true, Final: true, Usage: wire.Usage{Input: 3, Output: 10, Cached: 1}},
		Start:   epoch, First: epoch, Last: epoch, End: epoch,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

// TestTold follows what a reader of running usage knows when the stream breaks:
// the largest of each choice, and each prompt once.
func TestTold(t *testing.T) {
	const body = `{"prompt":["a b","c"],"n":2,"stream":true,"stream_options":%s,
		"mock":{"output_tokens":9,"fail":"truncate","after_tokens":%d,"usage":%q}}`
	const always = `{"include_usage":true,"continuous_usage_stats":true}`
	for _, c := range []struct {
		options string
		after   int
		usage   UsageMode
		want    Told
	}{
		{always, 0, TellUsage, Told{}},
		{always, 1, TellUsage, Told{Any: true, Usage: wire.Usage{Input: 2, Output: 1}}},
		{always, 2, TellUsage, Told{Any: true, Usage: wire.Usage{Input: 2, Output: 2}}},
		{always, 3, TellUsage, Told{Any: true, Usage: wire.Usage{Input: 3, Output: 3}}},
		{always, 7, TellUsage, Told{Any: true, Usage: wire.Usage{Input: 3, Output: 7}}},
		{always, 7, ZeroUsage, Told{Any: true}},
		{always, 7, NullUsage, Told{}},
		{always, 7, NoUsage, Told{}},
		{always, 7, FinalUsageOnly, Told{}},
		{`{"include_usage":true}`, 7, TellUsage, Told{}},
		{`{"continuous_usage_stats":true}`, 7, TellUsage, Told{Any: true, Usage: wire.Usage{Input: 3, Output: 7}}},
		{`{"continuous_usage_stats":true,"include_usage":null}`, 7, TellUsage, Told{}},
		{`{"continuous_usage_stats":true,"include_usage":false}`, 7, TellUsage, Told{}},
	} {
		s := New(Options{})
		call(s, http.MethodPost, "/v1/completions", "r", fmt.Sprintf(body, c.options, c.after, c.usage))
		e, _ := s.Ledger().Entry("r")
		if e.Output != int64(c.after) || e.Outcome != Broken {
			t.Errorf("after %d: %d tokens, %s", c.after, e.Output, e.Outcome)
		}
		if diff := cmp.Diff(c.want, e.Told); diff != "" {
			t.Errorf("%s after %d, usage %q (-want +got):\n%s", c.options, c.after, c.usage, diff)
		}
	}
}

func TestLedgerSums(t *testing.T) {
	var lines bytes.Buffer
	l := &Ledger{Writer: &lines, Keep: 2}
	s := New(Options{Models: []Model{{Name: "m"}, {Name: "n"}}, Ledger: l})
	send := func(id, model, user string, tokens int) {
		call(s, http.MethodPost, "/v1/completions", id, fmt.Sprintf(
			`{"model":%q,"prompt":"a b c","user":%q,"mock":{"output_tokens":%d}}`, model, user, tokens))
	}
	for i := range 10 {
		send(fmt.Sprint("a", i), "m", "ann", i)
	}
	send("b", "n", "ann", 5)
	send("c", "m", "bob", 7)
	send("d", "nobody's", "bob", 7)

	for _, c := range []struct {
		model, user string
		want        Total
	}{
		{"m", "ann", Total{Requests: 10, Input: 30, Output: 45}},
		{"", "ann", Total{Requests: 11, Input: 33, Output: 50}},
		{"m", "", Total{Requests: 11, Input: 33, Output: 52}},
		{"", "", Total{Requests: 13, Input: 36, Output: 57}},
		{"", "eve", Total{}},
	} {
		if diff := cmp.Diff(c.want, l.Sum(c.model, c.user)); diff != "" {
			t.Errorf("Sum(%q, %q) (-want +got):\n%s", c.model, c.user, diff)
		}
	}
	if n := len(l.Entries()); n < 2 || n > 4 {
		t.Errorf("%d entries are held, want 2 to 4", n)
	}
	if _, ok := l.Entry("a0"); ok {
		t.Error("the oldest entry is still held")
	}
	checkLines(t, &lines, 13)
}

func checkLines(t *testing.T, lines *bytes.Buffer, want int) {
	t.Helper()
	decoder, n := json.NewDecoder(lines), 0
	for ; ; n++ {
		var e Entry
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Seq != int64(n+1) || e.Outcome == Running || e.End.IsZero() {
			t.Errorf("line %d is %+v", n+1, e)
		}
	}
	if n != want {
		t.Errorf("%d lines were written, want %d", n, want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLedgerWriterFails(t *testing.T) {
	s := New(Options{Ledger: &Ledger{Writer: brokenWriter{}}})
	call(s, http.MethodPost, "/v1/completions", "", `{"prompt":"a"}`)
	if err := s.Ledger().Err(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Err is %v", err)
	}
}

// TestMaxRunning shows that requests one after the other are never counted
// together, although their handlers may overlap, and that parallel ones are.
func TestMaxRunning(t *testing.T) {
	s, url := start(t, Options{})
	for range 50 {
		if _, _, err := post(t, url+"/v1/chat/completions", "", `{"messages":[],"stream":true,"mock":{"output_tokens":3}}`); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Ledger().MaxRunning(DefaultModel); n != 1 {
		t.Errorf("requests one after the other: MaxRunning is %d", n)
	}
	for range 5 {
		response, err := http.DefaultClient.Do(requestTo(t, url+"/v1/completions", "",
			`{"prompt":"a","stream":true,"mock":{"ttft_ms":60000}}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() // its headers are here, so it is in flight
	}
	s.Close()
	quiesce(t, s.Ledger())
	again := New(Options{Ledger: s.Ledger()}) // servers may share a ledger
	call(again, http.MethodPost, "/v1/completions", "", `{"prompt":"a","max_tokens":1}`)
	if n := s.Ledger().MaxRunning(DefaultModel); n != 5 {
		t.Errorf("five requests at once: MaxRunning is %d", n)
	}
	if n := s.Ledger().InFlight(DefaultModel); n != 0 {
		t.Errorf("%d requests are in flight at the end", n)
	}
}

// observer sees every write.
type observer struct {
	*httptest.ResponseRecorder
	saw func(p string)
}

func (o *observer) Write(p []byte) (int, error) {
	o.saw(string(p))
	return o.ResponseRecorder.Write(p)
}

// isToken recognises an event that carries a word: five letters, from the
// second token on with a space before them.
var isToken = regexp.MustCompile(`"(content|text|delta)":" ?[a-z]{5}"[,}]`)

// TestBooksFirst looks at the books at every write: a token is booked before it
// is sent, and the end before the last bytes are.
func TestBooksFirst(t *testing.T) {
	for _, c := range []struct{ path, body, last string }{
		{"/v1/chat/completions", `{"messages":[],"stream":true,"n":2,"max_tokens":3,"ignore_eos":true}`, "data: [DONE]"},
		{"/v1/completions", `{"prompt":["a","b"],"stream":true,"max_tokens":3,"ignore_eos":true}`, "data: [DONE]"},
		{"/v1/responses", `{"input":"a","stream":true,"max_output_tokens":3,"ignore_eos":true}`, "event: response.completed"},
		{"/v1/messages", `{"messages":[],"stream":true,"max_tokens":3,"ignore_eos":true}`, "event: message_stop"},
		{"/v1/chat/completions", `{"messages":[],"max_tokens":3,"ignore_eos":true}`, `{"id":`},
		{"/v1/embeddings", `{"input":"a"}`, `{"id":`},
		{"/v1/completions", `{"prompt":"a","model":"x"}`, `{"error":`},
	} {
		s := New(Options{})
		var last bool
		sent := int64(0)
		w := &observer{ResponseRecorder: httptest.NewRecorder(), saw: func(p string) {
			e, _ := s.Ledger().Entry("r")
			if isToken.MatchString(p) {
				sent++
			}
			if e.Output < sent {
				t.Errorf("%s: %d tokens were booked when this was written: %s", c.path, e.Output, p)
			}
			last = strings.HasPrefix(p, c.last)
			if running := e.Outcome == Running; running == last || s.Ledger().InFlight(DefaultModel) > 0 == last {
				t.Errorf("%s: %s when %s was written", c.path, e.Outcome, p)
			}
		}}
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Request-Id", "r")
		s.ServeHTTP(w, r)
		if e, _ := s.Ledger().Entry("r"); !last || e.Stream && sent != e.Output {
			t.Errorf("%s: %d of %d tokens were seen, the last write: %t", c.path, sent, e.Output, last)
		}
	}
}

// TestRunningEntries looks at the books while a request runs.
func TestRunningEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{TokenInterval: time.Second})
		l := s.Ledger()
		go call(s, http.MethodPost, "/v1/completions", "r", `{"prompt":"a b","user":"ann","max_tokens":5,"ignore_eos":true}`)
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		if e, _ := l.Entry("r"); e.Outcome != Running || e.Output != 3 {
			t.Errorf("after 2.5 s: %s with %d tokens", e.Outcome, e.Output)
		}
		if diff := cmp.Diff(Total{Requests: 1, Input: 2, Output: 3}, l.Sum("", "ann")); diff != "" {
			t.Errorf("sum (-want +got):\n%s", diff)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Quiesce(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Quiesce of a running request: %v", err)
		}
		if err := l.Quiesce(t.Context()); err != nil {
			t.Errorf("Quiesce: %v", err)
		}
		if e, _ := l.Entry("r"); e.Outcome != Completed || e.Output != 5 || e.Last.Sub(e.First) != 4*time.Second {
			t.Errorf("at the end: %s with %d tokens in %v", e.Outcome, e.Output, e.Last.Sub(e.First))
		}
	})
}

func TestUserOfBody(t *testing.T) {
	for _, c := range []struct{ members, want string }{
		{`"user":"a"`, "a"},
		{`"metadata":{"user_id":"b"}`, "b"},
		{`"metadata":{"user_id":7}`, ""},
		{`"user":"a","mock":{"user":"c"}`, "c"},
		{`"n":1`, ""},
	} {
		s := New(Options{})
		call(s, http.MethodPost, "/v1/messages", "r", `{"max_tokens":1,"messages":[],`+c.members+`}`)
		if e, _ := s.Ledger().Entry("r"); e.User != c.want || e.Outcome != Completed {
			t.Errorf("%s: user %q, %s", c.members, e.User, e.Outcome)
		}
	}
}

// TestMadeIDs shows that requests without an id get one of their own.
func TestMadeIDs(t *testing.T) {
	s := New(Options{Seed: 7})
	for range 3 {
		call(s, http.MethodPost, "/v1/completions", "", `{"prompt":"a"}`)
	}
	seen := make(map[string]bool)
	for _, e := range s.Ledger().Entries() {
		if len(e.ID) != 32 || strings.Trim(e.ID, "0123456789abcdef") != "" || seen[e.ID] {
			t.Errorf("made the id %q", e.ID)
		}
		seen[e.ID] = true
	}
}
