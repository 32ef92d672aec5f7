package hostile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// largePaths are endpoints with the members of a request that they want.
var largePaths = map[string]string{
	chatPath:          `"messages":[{"role":"user","content":"Hello there"}]`,
	"/v1/completions": `"prompt":"Hello there","max_tokens":10`,
	"/v1/responses":   `"input":"Hello there"`,
	"/v1/messages":    `"max_tokens":100,"messages":[{"role":"user","content":"Hello there"}]`,
	"/v1/embeddings":  `"input":["Hello","there"]`,
	"/v1/rerank":      `"query":"Hello","documents":["there","here"]`,
}

// fetched is an answer with the error that its body ended with.
type fetched struct {
	*http.Response
	body []byte
	err  error
}

// fetch sends a request by a client, with an id, and reads its answer.
func fetch(t testing.TB, c *http.Client, url, id, body string) fetched {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", id)
	r.Header.Set("X-User-Id", id)
	r.Header.Set("Accept-Encoding", "identity")
	response, err := c.Do(r)
	if err != nil {
		return fetched{err: err}
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return fetched{response, b, err}
}

// times are what differs between two answers to the same request.
var times = regexp.MustCompile(`"(created|created_at|id)":("[^"]*"|\d+)`)

// TestLargeAnswers: whatever the size of an answer, wherever its usage and its model
// stand in it, and whether its length is known, the client gets the bytes of the model
// server, with the public name, and what is charged is what was spent.
func TestLargeAnswers(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: "{max-tokens-per-day: 1000000}", Aliases: []string{"public/name"}})
	n := 0
	for path, members := range largePaths {
		sizes, ways := []int{1 << 10, 1<<20 - 70<<10, 1 << 20, 1<<20 + 70<<10, 3 << 20}, 4
		if path != chatPath {
			sizes, ways = []int{1<<20 + 70<<10}, 2
		}
		for _, size := range sizes {
			for _, more := range []string{"", `,"padding_first":true,"padding_chunked":true`, `,"padding_first":true`, `,"padding_chunked":true`}[:ways] {
				body := fmt.Sprintf(`{"model":"llama2-7b",%s,"mock":{"output_tokens":10,"padding_bytes":%d%s}}`, members, size, more)
				n++
				id := fmt.Sprint("user-", n)
				own := fetch(t, http.DefaultClient, g.MockURL+path, id, body)
				got := fetch(t, g.Client, g.URL+path, id, body)
				if own.err != nil || got.err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
					t.Fatalf("%s with %d bytes%s: %v, %v %v", path, size, more, own.err, got.Response, got.err)
				}
				want := times.ReplaceAll(own.body, nil)
				if !bytes.Equal(times.ReplaceAll(got.body, nil), want) {
					t.Errorf("%s with %d bytes%s: the answer of %d bytes is not the model server's of %d", path, size, more, len(got.body), len(own.body))
				}
				if got.ContentLength < 0 && !strings.Contains(more, "chunked") {
					t.Errorf("%s with %d bytes%s: the length is not told", path, size, more)
				}
				charged := g.Usage(t, id).Windows[0].Used

				other := fetch(t, g.Client, g.URL+path, id+"-other", strings.Replace(body, "llama2-7b", "public/name", 1))
				public := bytes.Replace(want, []byte(`"model":"llama2-7b"`), []byte(`"model":"public/name"`), 1)
				if other.err != nil || !bytes.Equal(times.ReplaceAll(other.body, nil), public) {
					t.Errorf("%s with %d bytes%s: the answer of the public name is not the model server's (%v)", path, size, more, other.err)
				}
				if spent, _ := g.Ledger.Entry(id); charged == 0 || charged != spent.Input+spent.Output {
					t.Errorf("%s with %d bytes%s: %d tokens are charged, %d and %d spent", path, size, more, charged, spent.Input, spent.Output)
				}
			}
		}
	}
}

// TestLargeAnswersThatEndEarly: what has begun cannot become an error, and must not look
// complete. The client's connection, or its stream of HTTP/2, breaks off; what was worked on
// is charged; and the model server has failed.
func TestLargeAnswersThatEndEarly(t *testing.T) {
	for _, tls := range []bool{false, true} {
		g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-day: 1000000, max-concurrent-requests: 1}", TLS: tls})
		n := 0
		for _, fail := range []string{"close", "reset", "truncate"} {
			for _, more := range []string{"", `,"padding_chunked":true`, `,"padding_first":true,"padding_chunked":true`} {
				n++
				id := fmt.Sprintf("user-%d", n)
				got := fetch(t, g.Client, g.URL+chatPath, id, behaving(fmt.Sprintf(`"padding_bytes":%d,"fail":%q%s`, 4<<20, fail, more)))
				if got.err == nil && (got.StatusCode == http.StatusOK || fail != "reset") { // which may overtake all that was sent
					t.Errorf("TLS %v, %s%s: %d with %d bytes looks complete", tls, fail, more, got.StatusCode, len(got.body))
				}
				u := g.Usage(t, id)
				if w := u.Windows[0]; w.Used == 0 || w.Reserved != 0 || u.Concurrency[0].Running != 0 {
					t.Errorf("TLS %v, %s%s: %+v", tls, fail, more, u)
				}
				if !strings.Contains(g.Logs.String(), `"id":"`+id+`"`) {
					t.Errorf("TLS %v, %s%s: there is no line in the log", tls, fail, more)
				}
			}
		}
		// The same before anything of it has reached the client is an error as ever.
		if got := fetch(t, g.Client, g.URL+chatPath, "early", behaving(fmt.Sprintf(`"padding_bytes":%d,"fail":"close","padding_chunked":true`, 600<<10))); got.err != nil || got.StatusCode != http.StatusBadGateway {
			t.Errorf("TLS %v: a short answer that ends early: %v %v", tls, got.Response, got.err)
		}
	}
}

// TestSlowReadersAreNotTheServersFault: a client that takes nothing of its large answer, or
// takes it for longer than the model server may take to give it, is cut off, and the model
// server is not blamed.
func TestSlowReadersAreNotTheServersFault(t *testing.T) {
	for name, tt := range map[string]struct {
		tls, reads bool
		first      int // ms until the answer begins
	}{
		"reads nothing":             {},
		"reads nothing of HTTP/2":   {tls: true},
		"reads what has come late":  {reads: true, first: 2000},
		"reads it slowly of HTTP/2": {tls: true, reads: true, first: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := apptest.Start(t, apptest.Options{
				TLS: tt.tls, Breaker: true, Service: "breaker-failures: 1, breaker-wait: 1h, response-timeout: 4s, idle-timeout: 500ms",
				Limits: "{max-tokens-per-day: 1000000, max-concurrent-requests: 2}",
			})
			response, err := g.Client.Do(g.Request(t.Context(), chatPath, "slow", behaving(fmt.Sprintf(`"ttft_ms":%d,"padding_bytes":%d`, tt.first, 1<<30))))
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatal(response, err)
			}
			var n int64
			eventually(t, "a slow client is cut off", func() bool {
				if tt.reads {
					k, _ := io.CopyN(io.Discard, response.Body, 256<<10)
					n += k
				}
				return g.Usage(t, "slow").Concurrency[0].Running == 0
			})
			if k, err := io.Copy(io.Discard, response.Body); err == nil || n+k > 1<<30 {
				t.Errorf("%d bytes were passed on, and then %v", n+k, err)
			}
			response.Body.Close()
			if w := g.Usage(t, "slow").Windows[0]; w.Used == 0 || w.Reserved != 0 {
				t.Errorf("%+v", w)
			}
			if got := fetch(t, g.Client, g.URL+chatPath, "alice", chat); got.err != nil || got.StatusCode != http.StatusOK {
				t.Errorf("behind it, the answer is %v %v", got.Response, got.err)
			}
		})
	}
}

// TestOverCapacity: where requests that are being worked on fill what may be held, large
// ones are refused, with nothing charged and a time to come back, and small ones are served,
// also with an answer that there is no room for.
func TestOverCapacity(t *testing.T) {
	const most = 1 << 20
	g, _ := start(t, apptest.Options{Limits: everyMeter, Server: fmt.Sprintf("max-body-bytes: %d, max-buffered-bytes: %d", most/3, most)})
	large := func(mock string) string {
		return `{"model":"llama2-7b","messages":[{"role":"user","content":"x"}],"x":"` + strings.Repeat("x", 320<<10) + `","max_tokens":10,"mock":{` + mock + `}}`
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if response, err := transport.RoundTrip(g.Request(ctx, chatPath, "first", large(`"ttft_ms":600000`))); err == nil {
			response.Body.Close()
		}
	})
	defer running.Wait()
	defer cancel()
	eventually(t, "the first is running", func() bool { return g.Ledger.InFlight(apptest.Model) == 1 })

	for path, kind := range map[string]string{chatPath: "server_error", "/v1/messages": "overloaded_error"} {
		a := send(t, g, http.MethodPost, path, fields{"X-User-ID": "second"}, large(`"output_tokens":3`))
		if f := wantFailure(t, path, a, http.StatusServiceUnavailable, "over_capacity"); f.Type != kind {
			t.Errorf("%s: %s", path, a.body)
		}
		wantWait(t, a, true)
	}
	for _, w := range g.Usage(t, "second").Windows {
		if w.Used != 0 || w.Reserved != 0 {
			t.Errorf("a refused request is charged: %+v", w)
		}
	}
	for i := range 20 {
		if a := post(t, g, chatPath, behaving(fmt.Sprintf(`"padding_bytes":%d`, i*45<<10))); a.status != http.StatusOK || len(a.body) < i*45<<10 {
			t.Errorf("a small request for %d KiB is answered with %d, %d bytes", i*45, a.status, len(a.body))
		}
	}
	// An event that there is no room for ends its stream, which does not look complete.
	body := `{"stream":true,` + behaving(fmt.Sprintf(`"token_bytes":%d`, 1<<20))[1:]
	if a := post(t, g, chatPath, body); a.status != http.StatusOK || !strings.Contains(a.body, "over_capacity") || strings.Contains(a.body, "[DONE]") {
		t.Errorf("a stream of large events: %d %.200s", a.status, a.body)
	}
	cancel()
	running.Wait()
	eventually(t, "there is room again", func() bool {
		return send(t, g, http.MethodPost, chatPath, fields{"X-User-ID": "second"}, large(`"output_tokens":3`)).status == http.StatusOK
	})
	if held := g.Get(t, "/actuator/prometheus"); !strings.Contains(held, "\nbuffered_bytes 0\n") {
		eventually(t, "nothing is held", func() bool { return strings.Contains(g.Get(t, "/actuator/prometheus"), "\nbuffered_bytes 0\n") })
	}
}

// TestCutOff: where there is no room, whoever takes his answer the slowest is cut off, on
// every way that a connection can be served, and the log says why.
func TestCutOff(t *testing.T) {
	for name, tt := range map[string]struct {
		tls    bool
		stream bool
		fields http.Header
	}{
		"plain":          {},
		"net/http":       {fields: http.Header{"Expect": {"100-continue"}}},
		"HTTP/2":         {tls: true},
		"a plain stream": {stream: true},
		"of HTTP/2":      {tls: true, stream: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const most = 1 << 20
			g := apptest.Start(t, apptest.Options{
				TLS: tt.tls, Limits: "{max-tokens-per-day: 100000000, max-concurrent-requests: 100}",
				Server: fmt.Sprintf("max-body-bytes: %d, max-buffered-bytes: %d", most/4, most),
			})
			body := behaving(fmt.Sprintf(`"padding_bytes":%d`, 16<<20))
			if tt.stream {
				body = `{"stream":true,` + behaving(`"token_bytes":30000,"choice_tokens":[1000]`)[1:]
			}
			var deaf []*http.Response
			for range 30 {
				r := g.Request(t.Context(), chatPath, "deaf", body)
				for name, values := range tt.fields {
					r.Header[name] = values
				}
				client := &http.Client{Transport: g.Client.Transport}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				deaf = append(deaf, response)
			}
			cutOff := func() bool {
				return !strings.Contains(g.Get(t, "/actuator/prometheus"), "\nbuffered_cut_off_total 0\n")
			}
			begun := time.Now()
			for !cutOff() && time.Since(begun) < 10*time.Second {
				// Who is refused because nobody has been slow for long yet comes back when told to.
				got := fetch(t, g.Client, g.URL+chatPath, "alice", chat)
				if got.err == nil && got.StatusCode == http.StatusServiceUnavailable {
					time.Sleep(time.Second)
					got = fetch(t, g.Client, g.URL+chatPath, "alice", chat)
				}
				if got.err != nil || got.StatusCode != http.StatusOK {
					t.Fatalf("an honest request is answered with %v %v", got.Response, got.err)
				}
				r := g.Request(t.Context(), chatPath, "deaf", body)
				response, err := g.Client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				deaf = append(deaf, response)
			}
			if !cutOff() {
				t.Fatal("nobody was cut off")
			}
			eventually(t, "the log says why", func() bool { return strings.Contains(g.Logs.String(), "too slowly") })
			broken := 0
			for _, response := range deaf {
				if broken == 0 { // the others are not told from those who are slow
					if _, err := io.Copy(io.Discard, response.Body); err != nil {
						broken++
					}
				}
				response.Body.Close()
			}
			if broken == 0 {
				t.Error("all got what looks like the end of their answers")
			}
			eventually(t, "nothing is running", func() bool { return g.Usage(t, "alice").Concurrency[0].Running == 0 })
		})
	}
}
