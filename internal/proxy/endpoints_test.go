package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// TestAliasesShareLimits: an alias and a LoRA adapter of the same server spend
// the limits that they share, and each answers by its public name.
func TestAliasesShareLimits(t *testing.T) {
	mock := httptest.NewServer(mockvllm.New(mockvllm.Options{Models: []mockvllm.Model{{Name: apptest.Model}, {Name: "sql-lora"}}}))
	t.Cleanup(mock.Close)
	g := apptest.Start(t, apptest.Options{
		ServerURL: mock.URL, Limits: "{max-requests-per-minute: 3, max-concurrent-requests: 4}",
		Services: fmt.Sprintf(`gpt-4: {endpoints: [%q], served-as: %s, share-limits-with: %[2]s}, sql: {endpoints: [%[1]q], served-as: sql-lora, share-limits-with: %[2]s}`,
			mock.URL, apptest.Model),
	})
	for _, name := range []string{"gpt-4", "sql", apptest.Model} {
		status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"`+name+`","messages":[{"role":"user","content":"hello"}]}`)
		if status != http.StatusOK || !strings.Contains(body, `"model":"`+name+`"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	for _, name := range []string{"gpt-4", "sql", apptest.Model} {
		status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"`+name+`","messages":[{"role":"user","content":"hello"}]}`)
		if status != http.StatusTooManyRequests || !strings.Contains(body, "the limit of 3 requests per minute") {
			t.Errorf("%s: %d %s, want that the shared limit is used up", name, status, body)
		}
	}
	used := g.Usage(t, "alice").Windows[0]
	if used.Used != 3 {
		t.Errorf("%d requests are used, want 3", used.Used)
	}
	var other struct{ Windows []struct{ Used int64 } }
	if err := json.Unmarshal([]byte(g.Get(t, "/api/v1/admin/token-usage/sql/alice")), &other); err != nil || other.Windows[0].Used != 3 {
		t.Errorf("of the adapter %+v is told, %v", other, err)
	}
}

// TestBreaker: a model server whose answers fail is left alone after five of
// them, and what clients did wrong, or gave up, is not its failure.
func TestBreaker(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Breaker: true, Service: "breaker-wait: 200ms"})
	post := func(mock string) (int, string) {
		status, _, body := g.Post(t, "/v1/chat/completions", "alice",
			`{"model":"`+apptest.Model+`","messages":[{"role":"user","content":"hello"}],"mock":{`+mock+`}}`)
		return status, body
	}
	stream := func(mock string) string {
		_, _, body := g.Post(t, "/v1/chat/completions", "alice",
			`{"model":"`+apptest.Model+`","stream":true,"messages":[{"role":"user","content":"hello"}],"mock":{`+mock+`}}`)
		return body
	}
	for range 20 {
		for _, harmless := range []string{`"status":400`, `"status":429`, `"fail":"queue-full"`} {
			if status, body := post(harmless); status == http.StatusServiceUnavailable {
				t.Fatalf("%s opened the breaker: %s", harmless, body)
			}
		}
	}
	for range 10 {
		if status, _ := post(``); status != http.StatusOK {
			t.Fatal("the model server does not answer")
		}
	}
	post(`"status":500`)
	post(`"fail":"reset-before-byte"`)
	stream(`"fail":"reset","after_tokens":3`)
	stream(`"fail":"error","after_tokens":3`)
	if status, body := post(``); status != http.StatusOK {
		t.Fatalf("four failures opened the breaker: %s", body)
	}
	stream(`"fail":"close","after_tokens":3`)
	if status, body := post(``); status != http.StatusServiceUnavailable || !strings.Contains(body, "model_unavailable") {
		t.Fatalf("five failures: %d %s, want that the model server is left alone", status, body)
	}
	metrics := g.Get(t, "/actuator/prometheus")
	if !strings.Contains(metrics, "\ncircuit_breaker_state{") || !strings.Contains(metrics, `"} 2`) {
		t.Errorf("the breaker's gauge is missing, or not 2:\n%s", metrics)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := post(``); status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not tried again")
		}
	}
	if status, _ := post(``); status != http.StatusOK {
		t.Error("the breaker did not close after a good answer")
	}
}

// TestOneSetOfLimits: what is sent again with fewer stream options does not have the
// time anew that the refusal took.
func TestOneSetOfLimits(t *testing.T) {
	const limit, refusal = 1500 * time.Millisecond, 1350 * time.Millisecond
	again := make(chan struct{}, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		if b, _ := io.ReadAll(r.Body); strings.Contains(string(b), "continuous_usage_stats") {
			time.Sleep(refusal)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"continuous_usage_stats is not known"}}`)
			return
		}
		again <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	g := apptest.Start(t, apptest.Options{Services: fmt.Sprintf("slow: {endpoints: [%q], first-byte-timeout: %s}", s.URL, limit)})
	begun := time.Now()
	status, _, body := g.Post(t, chatPath, "alice", `{"model":"slow","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	if status != http.StatusGatewayTimeout || len(again) != 1 {
		t.Fatalf("%d %s, and sent again %d times; want 504 of what was sent again", status, body, len(again))
	}
	if took := time.Since(begun); took < limit || took > limit+refusal-100*time.Millisecond {
		t.Errorf("it took %v, want about %v", took, limit)
	}
}

// TestQuirksAreOfServers: of three servers two know no continuous usage. What the
// other one streams is metered as it runs, so that its answers are not capped; all
// names by which it serves the same model know of it.
func TestQuirksAreOfServers(t *testing.T) {
	refusals := make(chan struct{}, 64)
	serve := func(name string, old bool) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			asked := strings.Contains(string(b), "continuous_usage_stats")
			switch {
			case r.URL.Path == "/health":
			case old && strings.Contains(string(b), "full"):
				w.WriteHeader(http.StatusServiceUnavailable)
			case old && asked:
				refusals <- struct{}{}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":{"message":"continuous_usage_stats is not known"}}`)
			default:
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "data: {\"choices\":[],\"at\":%q,\"asked\":%v,\"capped\":%v}\n\ndata: [DONE]\n\n",
					name, asked, strings.Contains(string(b), `"max_completion_tokens"`) || strings.Contains(string(b), `"max_tokens"`))
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	endpoints := fmt.Sprintf("endpoints: [%q, %q, %q], served-as: m", serve("old", true), serve("old", true), serve("new", false))
	g := apptest.Start(t, apptest.Options{
		Services:  fmt.Sprintf("three: {%s}, alias: {%[1]s, share-limits-with: three}", endpoints),
		RateLimit: "overrun: stop, defaults: {max-tokens-per-minute: 100000}",
	})
	answered := map[string]int{}
	for i := range 18 {
		status, header, body := g.Post(t, chatPath, "alice", fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, []string{"three", "alias"}[i/3%2]))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		name, want := "new", `"asked":true,"capped":false`
		if strings.Contains(body, `"at":"old"`) {
			name, want = "old", `"asked":false,"capped":true`
		}
		answered[name]++
		if capped := header.Get("X-Token-Output-Cap") != ""; !strings.Contains(body, want) || capped != (name == "old") {
			t.Errorf("request %d went to the %s server, said to be capped %v, as %s", i, name, capped, body)
		}
	}
	if answered["old"] < 5 || answered["new"] < 3 {
		t.Errorf("the servers answered %v times", answered)
	}
	past := 0
	for range 6 { // some go to an old server first
		status, header, body := g.Post(t, chatPath, "alice", `{"model":"three","stream":true,"messages":[{"role":"user","content":"full"}]}`)
		if status == http.StatusTooManyRequests {
			continue // from one old server to the other
		}
		past++
		if !strings.Contains(body, `"at":"new","asked":true,"capped":false`) || header.Get("X-Token-Output-Cap") != "" {
			t.Errorf("past a full server the answer is %v %s", header, body)
		}
	}
	if n := len(refusals); n != 2 || past == 0 {
		t.Errorf("the old servers refused %d times, and %d requests came past a full one; want once each, and some", n, past)
	}
}

// TestWordsAtTwoServers: of two servers that differ, one refuses a request and
// quotes it, and the other takes it. That proves nothing about stream options: the
// streams of others go on being metered.
func TestWordsAtTwoServers(t *testing.T) {
	sent := make(chan string, 8)
	serve := func(refuses bool) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			switch {
			case r.Method == http.MethodGet: // whether it is well, and what it serves
			case refuses && strings.Contains(string(b), "guided"):
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":{"message":"not known here: \"stream_options\""}}`)
			default:
				sent <- string(b)
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "data: [DONE]\n\n")
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	g := apptest.Start(t, apptest.Options{Services: fmt.Sprintf("two: {endpoints: [%q, %q]}", serve(true), serve(false))})
	send := func(user, more string) {
		g.Post(t, chatPath, user, `{"model":"two","stream":true,"messages":[{"role":"user","content":"hi"}]`+more+`}`)
	}
	for range 3 {
		send("mallory", `,"guided":"stream_options"`)
	}
	for len(sent) > 0 {
		<-sent
	}
	send("bob", "")
	if body := <-sent; !strings.Contains(body, "continuous_usage_stats") {
		t.Errorf("what bob asked for was sent as %s", body)
	}
}
