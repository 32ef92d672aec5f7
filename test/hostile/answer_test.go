package hostile_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// behaving returns a chat request that the mock answers as told.
func behaving(members string) string {
	return `{"model":"llama2-7b","messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":10,` + members + `}}`
}

// failing is a store of which one operation fails.
type failing struct {
	limit.Store
	err   error
	panic bool
}

// Reserve implements limit.Store.
func (s failing) Reserve(context.Context, *limit.Policy, string, limit.Amount, *limit.Grant, *limit.Decision) error {
	if s.panic {
		panic("a fault of the store")
	}
	return s.err
}

// refusing returns the address of a port that nobody listens on.
func refusing(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestErrors provokes every error of the gateway: its status, its code and
// type, in both shapes, and Retry-After where there is something to wait for.
func TestErrors(t *testing.T) {
	for what, tt := range map[string]struct {
		o      apptest.Options
		before func(*testing.T, *apptest.Gateway)
		body   string
		status int
		code   string
		kind   string // OpenAI's type
		other  string // Anthropic's type
		wait   bool
	}{
		"not JSON":       {body: "{", status: 400, code: "invalid_request", kind: "invalid_request_error", other: "invalid_request_error"},
		"never fits":     {o: apptest.Options{Limits: "{max-input-tokens-per-hour: 3}"}, body: prompt(200), status: 400, code: "request_exceeds_limit", kind: "invalid_request_error", other: "invalid_request_error"},
		"a limit of 0":   {o: apptest.Options{Limits: "{max-tokens-per-day: 0}"}, status: 403, code: "permission_denied", kind: "invalid_request_error", other: "permission_error"},
		"no requests":    {o: apptest.Options{Limits: "{max-requests-per-minute: 0}"}, status: 403, code: "permission_denied", kind: "invalid_request_error", other: "permission_error"},
		"none at a time": {o: apptest.Options{Limits: "{max-concurrent-requests: 0}"}, status: 403, code: "permission_denied", kind: "invalid_request_error", other: "permission_error"},
		"tokens used up": {
			o: apptest.Options{Limits: "{max-tokens-per-minute: 60, default-output-tokens: 60}"}, before: once,
			status: 429, code: "rate_limit_exceeded", kind: "tokens", other: "rate_limit_error", wait: true,
		},
		"requests used up": {
			o: apptest.Options{Limits: "{max-requests-per-hour: 1}"}, before: once,
			status: 429, code: "rate_limit_exceeded", kind: "requests", other: "rate_limit_error", wait: true,
		},
		"the model's requests used up": {
			o: apptest.Options{Limits: "{total: {max-requests-per-hour: 1}}"}, before: once,
			status: 429, code: "rate_limit_exceeded", kind: "requests", other: "rate_limit_error", wait: true,
		},
		"all slots taken": {
			o: apptest.Options{Limits: "{max-concurrent-requests: 1}"}, before: occupy,
			status: 429, code: "rate_limit_exceeded", kind: "concurrency", other: "rate_limit_error", wait: true,
		},
		"the user's slots taken": {
			o: apptest.Options{Limits: "{max-concurrent-requests-per-user: 1}"}, before: occupy,
			status: 429, code: "rate_limit_exceeded", kind: "concurrency", other: "rate_limit_error", wait: true,
		},
		"a full queue": {
			before: func(_ *testing.T, g *apptest.Gateway) { g.Mock.SetQueueFull(true) },
			status: 429, code: "rate_limit_exceeded", kind: "capacity", other: "rate_limit_error", wait: true,
		},
		"down": {
			before: func(_ *testing.T, g *apptest.Gateway) { g.Mock.SetQueueFull(true); g.Mock.SetUnhealthy(true) },
			status: 503, code: "model_unavailable", kind: "server_error", other: "overloaded_error", wait: true,
		},
		"refused": {
			o:      apptest.Options{ServerURL: refusing(t)},
			status: 503, code: "model_unavailable", kind: "server_error", other: "overloaded_error", wait: true,
		},
		"the store is away": {
			o:      apptest.Options{Store: failing{Store: memory.New(memory.Options{}), err: errors.New("away")}},
			status: 503, code: "store_unavailable", kind: "server_error", other: "overloaded_error", wait: true,
		},
		"shutting down": {
			o:      apptest.Options{Store: failing{Store: memory.New(memory.Options{}), err: limit.ErrClosed}},
			status: 503, code: "shutting_down", kind: "server_error", other: "overloaded_error", wait: true,
		},
		"a fault of the gateway": {
			o:      apptest.Options{Store: failing{Store: memory.New(memory.Options{}), panic: true}},
			status: 500, code: "internal_error", kind: "server_error", other: "api_error",
		},
		"no answer": {body: behaving(`"fail":"refuse-before-byte"`), status: 502, code: "upstream_error", kind: "server_error", other: "api_error"},
		"a reset":   {body: behaving(`"fail":"reset","after_tokens":3`), status: 502, code: "upstream_error", kind: "server_error", other: "api_error"},
		"a 500":     {body: behaving(`"status":500`), status: 502, code: "upstream_error", kind: "server_error", other: "api_error"},
		"too slow":  {o: apptest.Options{Service: "response-timeout: 100ms"}, body: behaving(`"ttft_ms":60000`), status: 504, code: "upstream_timeout", kind: "server_error", other: "timeout_error"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			g, _ := start(t, tt.o)
			if tt.before != nil {
				tt.before(t, g)
			}
			if tt.body == "" {
				tt.body = chat
			}
			for path, kind := range map[string]string{chatPath: tt.kind, "/v1/messages": tt.other} {
				body := tt.body
				if path != chatPath && body != "{" {
					body = `{"max_tokens":60,` + body[1:]
				}
				a := post(t, g, path, body)
				f := wantFailure(t, what, a, tt.status, tt.code)
				if anthropic := path != chatPath; f.Type != kind || (f.Outer == "error") != anthropic || f.Message == "" {
					t.Errorf("%s: %s", path, a.body)
				}
				wantWait(t, a, tt.wait)
				if !strings.Contains(g.Logs.String(), fmt.Sprintf(`"id":%q`, a.header.Get("X-Request-Id"))) {
					t.Errorf("no log line of %s", a.header.Get("X-Request-Id"))
				}
			}
		})
	}
}

// TestFaultsAreCounted: somebody is told of a fault that only one client has seen.
func TestFaultsAreCounted(t *testing.T) {
	g, _ := start(t, apptest.Options{Store: failing{Store: memory.New(memory.Options{}), panic: true}})
	for range 2 {
		wantFailure(t, "a fault", post(t, g, chatPath, chat), 500, "internal_error")
	}
	response, err := g.Client.Get(g.URL + "/actuator/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), "\ngateway_faults_total 2\n") {
		t.Errorf("the faults are not counted (%v):\n%s", err, text)
	}
}

// once makes a request that uses up what there is.
func once(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	if a := post(t, g, chatPath, strings.Replace(chat, ":10}", ":60}", 1)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// occupy keeps a stream open until the test ends.
func occupy(t *testing.T, g *apptest.Gateway) {
	t.Helper()
	body := `{"model":"llama2-7b","stream":true,"messages":[],"mock":{"output_tokens":100,"ttft_ms":600000}}`
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if response, err := transport.RoundTrip(g.Request(ctx, chatPath, "anonymous", body)); err == nil {
			response.Body.Close()
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(t, "the stream is running", func() bool { return g.Ledger.InFlight(apptest.Model) == 1 })
}

// prompt returns a chat request with n words.
func prompt(n int) string {
	return strings.Replace(chat, "Hello there", strings.Repeat("word ", n), 1)
}

// wantWait checks the fields that say when to come back: all there and
// agreeing, or none.
func wantWait(t testing.TB, a answer, wanted bool) {
	t.Helper()
	after, millis := a.header.Get("Retry-After"), a.header.Get("Retry-After-Ms")
	if !wanted {
		if after != "" || millis != "" {
			t.Errorf("%d says to wait %q s, %q ms", a.status, after, millis)
		}
		return
	}
	seconds, err := strconv.Atoi(after)
	if err != nil || seconds < 1 {
		t.Errorf("%d: Retry-After is %q", a.status, after)
	}
	if ms, err := strconv.Atoi(millis); err != nil || ms > seconds*1000 || ms <= (seconds-1)*1000 {
		t.Errorf("%d: Retry-After is %q, retry-after-ms %q", a.status, after, millis)
	}
	if got := a.failure(t).RetryAfter; got != int64(seconds) {
		t.Errorf("%d: the body says %d s, Retry-After %d", a.status, got, seconds)
	}
	if told := a.header.Get("X-Should-Retry"); (told == "false") != (seconds > 60) {
		t.Errorf("%d: Retry-After is %d, x-should-retry %q", a.status, seconds, told)
	}
}

// TestRefundedErrors checks that what no model server has taken costs nothing on any
// meter. What failures cost: see TestAFailureCostsARequest.
func TestRefundedErrors(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeter})
	if a := post(t, g, chatPath, behaving(`"status":503`)); a.status != 429 {
		t.Errorf("a full queue: %d %s", a.status, a.body)
	}
	wantUncharged(t, g, "anonymous")
	down, _ := start(t, apptest.Options{Limits: everyMeter, ServerURL: refusing(t)})
	post(t, down, chatPath, chat)
	wantUncharged(t, down, "anonymous")
}

// TestPassedOnRefusals checks that a model server's own refusal reaches the
// client as it is, and counts as a request without tokens.
func TestPassedOnRefusals(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeter})
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422, 429, 451} {
		const body = `{"error":{"message":"the model server's own","code":42},"more":[1]}`
		for _, stream := range []string{"", `"stream":true,`} {
			b := "{" + stream + behaving(fmt.Sprintf(`"status":%d,"body":%q`, status, body))[1:]
			a := post(t, g, chatPath, b)
			if a.status != status || a.body != body || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%d reaches the client as %d %q %s", status, a.status, a.header.Get("Content-Type"), a.body)
			}
		}
	}
	for _, w := range g.Usage(t, "anonymous").Windows {
		if want := map[bool]int64{true: 18}[w.Meter == "requests"]; w.Used != want || w.Reserved != 0 {
			t.Errorf("%d %s are used, want %d", w.Used, w.Meter, want)
		}
	}
}

// TestNonsenseUpstream has a server that does not speak HTTP, or not well.
func TestNonsenseUpstream(t *testing.T) {
	for what, tt := range map[string]struct {
		answer string
		status int
	}{
		"no HTTP":            {"SSH-2.0-OpenSSH_9.6\r\n\r\n", 502},
		"redirect":           {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 502},
		"switching":          {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 502},
		"two lengths":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 502},
		"cut":                {"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{", 502},
		"a header injection": {"HTTP/1.1 200 OK\r\nContent-Type: a\rSet-Cookie: x\r\nContent-Length: 2\r\n\r\n{}", 502},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.WriteString(c, tt.answer)
				}
				c.(*net.TCPConn).CloseWrite()
			}
		}()
		g := apptest.Start(t, apptest.Options{ServerURL: "http://" + l.Addr().String()})
		wantFailure(t, what, post(t, g, chatPath, chat), tt.status, "upstream_error")
	}
}

// TestHeadersOfDecisions checks where answers say that their caller stands.
func TestHeadersOfDecisions(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: "{max-tokens-per-minute: 500, max-tokens-per-hour: 10000, max-requests-per-day: 3, total: {max-input-tokens-per-day: 5000}, default-output-tokens: 10}"})
	quotas := map[string][2]int64{"user-tokens-minute": {500, 60}, "user-tokens-hour": {10000, 3600}, "user-requests-day": {3, 86400}, "model-input_tokens-day": {5000, 86400}}
	for i, stream := range []bool{false, true, false, false} {
		a := post(t, g, chatPath, "{"+fmt.Sprintf(`"stream":%v,`, stream)+chat[1:])
		if want := map[bool]int{true: 200, false: 429}[i < 3]; a.status != want {
			t.Fatalf("%d %s", a.status, a.body)
		}
		wantNumbers(t, a, "tokens", 500)
		wantNumbers(t, a, "requests", 3)
		if got := a.header.Get("X-Ratelimit-Remaining-Requests"); got != strconv.Itoa(max(0, 2-i)) {
			t.Errorf("behind request %d, %s remain", i+1, got)
		}
		policy, state := parseItems(t, a.header.Get("Ratelimit-Policy")), parseItems(t, a.header.Get("Ratelimit"))
		if len(policy) != len(quotas) || len(state) != len(quotas) {
			t.Errorf("the policies are %v, the states %v", policy, state)
		}
		for name, want := range quotas {
			if p := policy[name]; p["q"] != want[0] || p["w"] != want[1] {
				t.Errorf("%s: the policy is %v, want %v", name, p, want)
			}
			if s := state[name]; s["r"] < 0 || s["r"] > want[0] || s["t"] <= 0 || s["t"] > want[1]+want[1]/48+1 {
				t.Errorf("%s: the state is %v", name, s)
			}
		}
		wantWait(t, a, i == 3)
	}
	free, _ := start(t, apptest.Options{})
	for name := range post(t, free, chatPath, chat).header {
		if strings.Contains(strings.ToLower(name), "ratelimit") {
			t.Errorf("without limits there is %s", name)
		}
	}
}

// wantNumbers checks OpenAI's fields of a kind.
func wantNumbers(t *testing.T, a answer, kind string, maximum int) {
	t.Helper()
	limit, err := strconv.Atoi(a.header.Get("X-Ratelimit-Limit-" + kind))
	left, err2 := strconv.Atoi(a.header.Get("X-Ratelimit-Remaining-" + kind))
	if err != nil || err2 != nil || limit != maximum || left < 0 || left > limit {
		t.Errorf("of %d %s, %d remain (%v, %v)", limit, kind, left, err, err2)
	}
	if reset := a.header.Get("X-Ratelimit-Reset-" + kind); !durationShape(reset) {
		t.Errorf("the %s are reset in %q", kind, reset)
	}
}

// TestQueueFullOfMock has a model server with a real queue, and more requests
// than fit: they are told to come back, and none is lost.
func TestQueueFullOfMock(t *testing.T) {
	g, _ := start(t, apptest.Options{Limits: everyMeterButSlots, Mock: mockvllm.Options{
		Models: []mockvllm.Model{{Name: apptest.Model}}, MaxRunning: 1, MaxQueue: -1,
	}})
	statuses := make(chan int, 8)
	for range cap(statuses) {
		go func() {
			w := httptest.NewRecorder()
			response, err := transport.RoundTrip(g.Request(context.Background(), chatPath, "alice", behaving(`"token_ms":20`)))
			if err != nil {
				w.Code = 0
			} else {
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				w.Code = response.StatusCode
			}
			statuses <- w.Code
		}()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	if count[200] < 1 || count[429] < 1 || count[200]+count[429] != cap(statuses) {
		t.Errorf("the statuses are %v", count)
	}
	if w := g.Usage(t, "alice").Windows; w[len(w)-1].Meter != "requests" || w[len(w)-1].Used != int64(count[200]) {
		t.Errorf("with %v, the account is %+v", count, w)
	}
}

const everyMeterButSlots = "{max-tokens-per-minute: 100000, max-requests-per-day: 100000}"

// faulty is a store with a fault in the middle of streams.
type faulty struct{ limit.Store }

// TopUp implements limit.Store.
func (faulty) TopUp(context.Context, *limit.Grant, limit.Amount, limit.Bound) (limit.TopUp, error) {
	panic("a fault of the store")
}

// TestFaultInAStream has the gateway fail when a part of the answer has left:
// the connection breaks off, the log says why, and the slot is free.
func TestFaultInAStream(t *testing.T) {
	g, _ := start(t, apptest.Options{
		Limits: "{max-tokens-per-minute: 1000, max-concurrent-requests: 1, default-output-tokens: 8}", Store: faulty{memory.New(memory.Options{})},
	})
	body := `{"stream":true,` + strings.Replace(sized(300), "}}", `,"token_ms":5}}`, 1)[1:]
	response, err := transport.RoundTrip(g.Request(t.Context(), chatPath, "alice", body))
	if err == nil {
		_, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if err == nil {
		t.Error("the stream looks complete")
	}
	eventually(t, "the slot is free", func() bool { return g.Usage(t, "alice").Concurrency[0].Running == 0 })
	if log := g.Logs.String(); !strings.Contains(log, "a fault of the store") || !strings.Contains(log, "faulty.TopUp") {
		t.Errorf("the log says nothing of the fault: %s", log)
	}
	for _, w := range g.Usage(t, "alice").Windows {
		if w.Used == 0 || w.Reserved != 0 {
			t.Errorf("%+v", w)
		}
	}
}
