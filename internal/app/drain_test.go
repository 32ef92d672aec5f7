package app_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// slowStore takes its time to settle, so that nobody who does not wait for it
// gets through by luck.
type slowStore struct {
	*memory.Store
	late chan error // has the store's error when it settles
}

func (s slowStore) Settle(g *limit.Grant, used limit.Amount) {
	time.Sleep(300 * time.Millisecond) // not to wait for something, but to be slow
	s.late <- s.Store.Ping(context.Background())
	s.Store.Settle(g, used)
}

// checkSettled checks that a request has been settled, and in time.
func (s slowStore) checkSettled(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.late:
		if err != nil {
			t.Errorf("the store was closed before the request was settled: %v", err)
		}
	default:
		t.Error("the request was not settled")
	}
}

// TestStoreOutlivesRequestsThatAreCutOff: a request that does not end in time
// is settled before the store is closed.
func TestStoreOutlivesRequestsThatAreCutOff(t *testing.T) {
	store := slowStore{memory.New(memory.Options{}), make(chan error, 1)}
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100000}", Store: store,
		Server: "drain-timeout: 1ms", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	openStream(t, g, 3000)
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	store.checkSettled(t)
}

// TestSilentConnectionsAreNoRequests: what has connected and sent nothing is not told
// of as a request that is cut off.
func TestSilentConnectionsAreNoRequests(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Limits: "{max-tokens-per-minute: 100000}", Server: "drain-timeout: 100ms"})
	c, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g.Probe(t, "/v1/models") // is accepted after it
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	if strings.Contains(g.Logs.String(), "cut off") {
		t.Errorf("the log tells of requests: %s", g.Logs)
	}
}

// openStream opens a stream of so many tokens, and returns what comes behind its
// beginning.
func openStream(t *testing.T, g *apptest.Gateway, tokens int) io.Reader {
	t.Helper()
	response, err := http.DefaultClient.Do(g.Request(t.Context(), "/v1/chat/completions", "alice", fmt.Sprintf(
		`{"model":"llama2-7b","stream":true,"messages":[{"role":"user","content":"Hi"}],"mock":{"output_tokens":%d}}`, tokens)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if _, err := io.ReadFull(response.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	return response.Body
}

// TestDrainTellsEverybody: while a stream runs, a gateway that is told to end
// says so to probes and to new requests, on connections old and new, starts
// none of them and lets the stream finish.
func TestDrainTellsEverybody(t *testing.T) {
	const tokens = 100
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100000}", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	running := openStream(t, g, tokens)
	g.Probe(t, "/v1/models") // leaves a connection behind
	g.Drain()
	for status := 0; status != http.StatusServiceUnavailable; {
		var told string
		status, told = g.Probe(t, "/actuator/health/readiness")
		if status != http.StatusOK && !strings.Contains(told, "shutting down") {
			t.Fatalf("readiness is %d %s", status, told)
		}
	}
	if status, told := g.Probe(t, "/actuator/health/liveness"); status != http.StatusOK {
		t.Errorf("liveness is %d %s: the gateway would be killed", status, told)
	}
	for path, want := range map[string]string{
		"/v1/chat/completions": `"type":"server_error","param":null,"code":"shutting_down"`,
		"/v1/messages":         `{"type":"error","error":{"type":"overloaded_error"`,
	} {
		checkRefused(t, g, path, want)
	}
	for _, w := range g.Usage(t, "bob").Windows {
		if w.Used != 0 || w.Reserved != 0 {
			t.Errorf("what was refused is charged: %+v", w)
		}
	}
	rest, err := io.ReadAll(running)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the running stream ended with %v after %s", err, rest)
	}
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	if sum := g.Ledger.Sum(apptest.Model, "bob"); sum.Input != 0 || sum.Output != 0 {
		t.Errorf("what was refused has started: %+v", sum)
	}
}

// checkRefused checks that a new request is turned away.
func checkRefused(t *testing.T, g *apptest.Gateway, path, want string) {
	t.Helper()
	response, err := http.DefaultClient.Do(g.Request(t.Context(), path, "bob",
		`{"model":"llama2-7b","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}`))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), want) ||
		!strings.Contains(string(body), `"code":"shutting_down"`) {
		t.Errorf("%s is answered with %d %v %s", path, response.StatusCode, err, body)
	}
	if !response.Close || response.Header.Get("Retry-After") != "1" {
		t.Errorf("%s: the connection closes: %v; the header is %v", path, response.Close, response.Header)
	}
}

// TestHurryCutsOff: told to end once more, a gateway does not wait for what is
// running, and settles it.
func TestHurryCutsOff(t *testing.T) {
	store := slowStore{memory.New(memory.Options{}), make(chan error, 1)}
	g := apptest.Start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 100000}", Store: store,
		Server: "drain-timeout: 1h", Mock: mockvllm.Options{TokenInterval: 20 * time.Millisecond},
	})
	openStream(t, g, 100000)
	g.Drain()
	g.Hurry()
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
	store.checkSettled(t)
}

// TestDrainDelay: a gateway that is told to end is not ready at once, and serves
// requests until the delay is over, or until it is told to hurry.
func TestDrainDelay(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Server: "drain-delay: 1h"})
	g.Drain()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if status, _ := g.Probe(t, "/actuator/health/readiness"); status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is still ready")
		}
	}
	for range 10 {
		if status, _, body := g.Post(t, "/v1/chat/completions", "alice", `{"model":"llama2-7b","messages":[{"role":"user","content":"Hi"}]}`); status != http.StatusOK {
			t.Errorf("a request is answered with %d %s", status, body)
		}
	}
	if status, _ := g.Probe(t, "/actuator/health/liveness"); status != http.StatusOK {
		t.Errorf("liveness answers %d", status)
	}
	g.Hurry()
	if err := g.Stop(); err != nil {
		t.Errorf("the gateway ended: %v", err)
	}
}
