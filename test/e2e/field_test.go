package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// ask sends a body of the test's own and returns the answer, read whole.
func (c client) ask(ctx context.Context, t testing.TB, path, user, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-User-ID", user)
	response, err := c.http.Do(request)
	if err != nil {
		return answer{err: err}
	}
	return readAnswer(response)
}

// silencing are members that keep the events of a stream, and the usage on them, from
// coming, and how a request for many tokens is answered then.
var silencing = map[string]string{
	"plain":             `"mock":{"user":"%s","output_tokens":%d,"token_ms":1}`,
	"stream_interval":   `"stream_interval":1000000,"mock":{"user":"%s","output_tokens":%d,"token_ms":1}`,
	"include_reasoning": `"include_reasoning":false,"mock":{"user":"%s","output_tokens":%d,"token_ms":1,"reasoning_tokens":1000000}`,
	"stream_options":    `"stream_options":{"include_usage":false,"continuous_usage_stats":false,"every":1000000},"mock":{"user":"%s","output_tokens":%d,"token_ms":1}`,
}

// TestStreamsCannotBeSilenced: whatever a client asks for, the usage comes on every event, so that
// a stream stops at its limit, and one that is left is charged what it has cost.
func TestStreamsCannotBeSilenced(t *testing.T) {
	t.Parallel()
	const most, limit, left = 5000, 600, 400
	ledger, server := newModelServer(t)
	s := site{server: server, models: map[string]string{
		model: fmt.Sprintf("{max-tokens-per-hour: %d, overrun: stop, default-output-tokens: 50}", limit),
	}}
	g := s.serve(t)
	var group sync.WaitGroup
	for name, members := range silencing {
		for _, leaves := range []bool{false, true} {
			group.Go(func() {
				user := fmt.Sprint(name, "-", leaves)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"Hello there"}],`+members+`}`, model, user, most)
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					if a := g.ask(ctx, t, "/v1/chat/completions", user, body); a.status != http.StatusOK && !leaves {
						t.Errorf("%s: %d %s", user, a.status, a.body)
					}
				}()
				if leaves {
					eventually(t, patience, "enough tokens of "+user, func() bool { return ledger.Sum(model, user).Output >= left })
					leave()
				}
				<-ended
			})
		}
	}
	group.Wait()
	if err := ledger.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range silencing {
		for _, leaves := range []bool{false, true} {
			user := fmt.Sprint(name, "-", leaves)
			generated := ledger.Sum(model, user).Output
			used, _ := g.usage(t, model, user).longest()
			t.Logf("%s: %d tokens generated, %d charged", user, generated, used)
			if generated >= most/2 { // what is generated until the stop has arrived depends on the machine
				t.Errorf("%s: %d tokens were generated under a limit of %d", user, generated, limit)
			}
			if used < generated/2 { // what is under way when a client leaves, nobody tells
				t.Errorf("%s: of %d generated tokens %d were charged", user, generated, used)
			}
		}
	}
}

// TestCapIsWhatIsMeant: a completion without a cap gets what it was priced as, whatever the
// model server makes of null, or of no cap at all.
func TestCapIsWhatIsMeant(t *testing.T) {
	t.Parallel()
	const limit, requests = 5000, 30
	for _, v := range []mockvllm.Model{
		{NullCap: mockvllm.RestOfContext}, {NullCap: mockvllm.RestOfContext, AbsentCap: mockvllm.RestOfContext}, {},
	} {
		v.Name, v.ContextLength = model, 4096
		ledger := &mockvllm.Ledger{}
		mock := mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{v}, Ledger: ledger})
		server := httptest.NewServer(mock)
		t.Cleanup(func() {
			mock.Close()
			server.Close()
		})
		g := site{server: server.URL, models: map[string]string{model: fmt.Sprintf("{max-tokens-per-hour: %d}", limit)}}.serve(t)
		for user, members := range map[string]string{
			"null": `"max_tokens":null`, "absent": `"seed":1`, "both": `"max_tokens":null,"max_completion_tokens":null,"n":null,"best_of":null`,
		} {
			var group sync.WaitGroup
			for range requests {
				group.Go(func() {
					body := fmt.Sprintf(`{"model":%q,"prompt":"Hello there",%s,"mock":{"user":%q,"output_tokens":4000}}`, model, members, user)
					g.ask(t.Context(), t, "/v1/completions", user, body)
				})
			}
			group.Wait()
			total := ledger.Sum(model, user)
			used, _ := g.usage(t, model, user).longest()
			t.Logf("null %v, absent %v, %s: %d tokens were served on a limit of %d, %d charged", v.NullCap, v.AbsentCap, user, total.Input+total.Output, limit, used)
			if served := total.Input + total.Output; served > limit || served != used {
				t.Errorf("null %v, absent %v, %s: %d tokens were served on a limit of %d, and %d charged", v.NullCap, v.AbsentCap, user, served, limit, used)
			}
			if total.Requests != requests || total.Output != 16*requests {
				t.Errorf("null %v, absent %v, %s: %d requests got %d tokens, want 16 each", v.NullCap, v.AbsentCap, user, total.Requests, total.Output)
			}
		}
	}
}

// noting tells the bodies of requests, before a handler gets them.
func noting(next http.Handler, note func(body string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err == nil && len(b) > 0 {
			note(string(b))
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		next.ServeHTTP(w, r)
	})
}

// TestUnknownFields: what nobody has classified does not reach the model server, and whoever
// sends it is told; a reload changes what is done with it.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen string
	mock := mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: model}}})
	server := httptest.NewServer(noting(mock, func(body string) {
		mu.Lock()
		defer mu.Unlock()
		seen = body
	}))
	t.Cleanup(func() {
		mock.Close()
		server.Close()
	})
	s := site{server: server.URL, models: map[string]string{model: "{}"}}
	dir := s.folder(t)
	p := start(t, "serve", "--config", dir, "--address", "127.0.0.1:0")
	g := &gateway{p, newClient(t, "http://"+p.address(t))}
	const body = `{"brand_new":{"a":[1]},"model":"` + model + `","max_tokens":2,"messages":[],"x":"SECRET"}`
	for _, step := range []struct {
		service     string
		status      int
		told, words string // in the header, in the answer
		sent        string
	}{
		{"", http.StatusOK, "brand_new, x", `"choices"`, `{"model":"` + model + `","max_tokens":2,"messages":[]}`},
		{"unknown-fields: refuse", http.StatusBadRequest, "", `brand_new is not known here`, ""},
		{"unknown-fields: refuse, allow-fields: [brand_new, x]", http.StatusOK, "", `"choices"`, body},
		{"allow-fields: [x]", http.StatusOK, "brand_new", `"choices"`, `{"model":"` + model + `","max_tokens":2,"messages":[],"x":"SECRET"}`},
	} {
		if s.service = step.service; s.service != "" {
			g.hangup(t, "the configuration is applied", func() { s.place(t, dir) })
		}
		mu.Lock()
		seen = ""
		mu.Unlock()
		a := g.ask(t.Context(), t, "/v1/chat/completions", "alice", body)
		mu.Lock()
		if told := a.header.Get("X-Dropped-Fields"); a.status != step.status || told != step.told || !strings.Contains(a.body, step.words) || seen != step.sent {
			t.Errorf("%q: %d, X-Dropped-Fields %q, %s; sent was %s", step.service, a.status, told, a.body, seen)
		}
		mu.Unlock()
	}
	if strings.Contains(p.stderr.String(), "SECRET") {
		t.Error("the log has a member's value")
	}
}
