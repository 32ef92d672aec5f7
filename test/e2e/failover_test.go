package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// endpoint is a model server that can be killed and started again at the same
// address; its ledger goes on.
type endpoint struct {
	*process
	address, file string
	kills         []time.Time
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{address: freeAddress(t), file: filepath.Join(t.TempDir(), "ledger.jsonl")}
	e.start(t)
	return e
}

// start runs the model server and waits until it listens.
func (e *endpoint) start(t *testing.T) {
	t.Helper()
	e.process = start(t, "mock-vllm", "--address", e.address, "--ledger", e.file, "--model", model)
	e.stdout.await(t, "listens on")
}

// fell kills the model server, and notes when.
func (e *endpoint) fell() {
	e.kill()
	e.kills = append(e.kills, time.Now())
}

// fellAt reports whether the model server was killed about then.
func (e *endpoint) fellAt(at time.Time) bool {
	return slices.ContainsFunc(e.kills, func(k time.Time) bool { return k.Sub(at).Abs() < 200*time.Millisecond })
}

// completed returns the ids of the requests that the model server, in all its
// lives, has generated to the end; apart from them those whose end it booked as it
// was killed, when nobody can tell whether the answer has left.
func (e *endpoint) completed(t *testing.T) (ids, lost []string) {
	t.Helper()
	b, err := os.ReadFile(e.file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var entry mockvllm.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case entry.Outcome != mockvllm.Completed:
		case e.fellAt(entry.End):
			lost = append(lost, entry.ID)
		default:
			ids = append(ids, entry.ID)
		}
	}
	return ids, lost
}

// endpointsConfig returns the folder of a gateway in front of these addresses.
func endpointsConfig(t *testing.T, further string, endpoints ...*endpoint) string {
	t.Helper()
	list := make([]string, len(endpoints))
	for i, e := range endpoints {
		list[i] = strconv.Quote("http://" + e.address)
	}
	return folder(t, map[string]string{"application.yml": fmt.Sprintf(`
server: {address: "127.0.0.1:0"}
auth: {enabled: false}
token: {rate-limit: {models: {%s: {max-tokens-per-hour: 100000000}}}}
vllm: {services: {%[1]s: {endpoints: [%s], %s, %s}}}
`, model, strings.Join(list, ", "), mocked, further)})
}

// metricValue returns the value of a metric with these labels; -1 for none.
func (c client) metricValue(name, labels string) float64 {
	_, text := c.get("/actuator/prometheus")
	found := regexp.MustCompile("(?m)^" + name + `\{[^}]*` + regexp.QuoteMeta(labels) + `[^}]*\} (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return -1
	}
	v, _ := strconv.ParseFloat(found[1], 64)
	return v
}

// rush is clients that send one request after the other, each with an id of its
// own, and judge the answers.
type rush struct {
	stop  context.CancelFunc
	group sync.WaitGroup
	sent  atomic.Int64

	mu     sync.Mutex
	served map[string]bool // ids of requests whose whole answer came
	broken int             // streams that broke off after they had begun
	wrong  []string
}

func newRush(t *testing.T, c client, clients int) *rush {
	ctx, stop := context.WithCancel(t.Context())
	r := &rush{stop: stop, served: map[string]bool{}}
	for n := range clients {
		r.group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r.one(t, c, fmt.Sprintf("rush-%d-%d", n, i), n%2 == 0)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		r.group.Wait()
	})
	return r
}

// one sends a request. One of which nothing has come back must not fail; a
// stream that has begun may break off, but must say so.
func (r *rush) one(t *testing.T, c client, id string, stream bool) {
	pace := 2
	if stream {
		pace = 10 // most of the time it has begun, whenever a model server falls
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/v1/chat/completions",
		chat{user: "rush", tokens: 20, pace: pace, wait: 15, stream: stream}.body())
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-ID", id)
	r.sent.Add(1)
	response, err := c.http.Do(request)
	if err != nil {
		r.fault("%s: %v", id, err)
		return
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	whole := err == nil && response.StatusCode == http.StatusOK && (!stream || strings.Contains(string(b), "data: [DONE]"))
	begun := stream && response.StatusCode == http.StatusOK && strings.Contains(string(b), `"upstream_error"`)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case whole:
		r.served[id] = true
	case begun:
		r.broken++
	default:
		r.wrong = append(r.wrong, fmt.Sprintf("%s, stream %v: %d %v %s", id, stream, response.StatusCode, err, b))
	}
}

func (r *rush) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// further waits until n more requests have been sent.
func (r *rush) further(t *testing.T, n int64) {
	t.Helper()
	until := r.sent.Load() + n
	eventually(t, patience, "more requests", func() bool { return r.sent.Load() >= until })
}

// end stops the clients and returns how many were served.
func (r *rush) end(t *testing.T) int {
	t.Helper()
	r.stop()
	r.group.Wait()
	if len(r.wrong) > 0 {
		t.Errorf("%d requests failed, such as %s", len(r.wrong), r.wrong[0])
	}
	return len(r.served)
}

// TestEndpointsFailAndComeBackUnderLoad kills two of three endpoints, one after
// the other and together, and starts them again.
func TestEndpointsFailAndComeBackUnderLoad(t *testing.T) {
	t.Parallel()
	all := []*endpoint{newEndpoint(t), newEndpoint(t), newEndpoint(t)}
	p := start(t, "serve", "--config", endpointsConfig(t, "health-interval: 1s", all...))
	c := newClient(t, "http://"+p.address(t))
	r := newRush(t, c, 24)
	state := func(e *endpoint) float64 { return c.metricValue("circuit_breaker_state", `endpoint="`+e.address+`"`) }
	healthy := func(e *endpoint) float64 { return c.metricValue("model_endpoint_healthy", `endpoint="`+e.address+`"`) }
	r.further(t, 200)
	for _, fall := range [][]*endpoint{{all[0]}, {all[1]}, {all[0], all[1]}, {all[2], all[1]}} {
		for _, e := range all { // what a request found out late is over
			eventually(t, patience, "endpoints that are all well", func() bool { return state(e) == 0 && healthy(e) == 1 })
		}
		for _, e := range fall {
			e.fell()
		}
		for _, e := range fall {
			eventually(t, patience, "an open breaker", func() bool { return state(e) == 2 && healthy(e) == 0 })
		}
		r.further(t, 200)
		for _, e := range fall {
			e.start(t)
		}
		for _, e := range fall {
			eventually(t, patience, "a closed breaker", func() bool { return state(e) == 0 && healthy(e) == 1 })
		}
		r.further(t, 200)
	}
	served := r.end(t)
	t.Logf("%d requests: %d served, %d streams broke off after they had begun", r.sent.Load(), served, r.broken)
	if served < 1000 || r.broken == 0 {
		t.Errorf("%d were served and %d broke off: the test tests nothing", served, r.broken)
	}

	eventually(t, patience, "no reservation", func() bool { _, reserved := c.usage(t, model, "anonymous").longest(); return reserved == 0 })
	generated, atAnEnd := map[string]int{}, map[string]bool{}
	for i, e := range all {
		e.signal(15)
		e.wait(t)
		ids, lost := e.completed(t)
		for _, id := range lost {
			atAnEnd[id] = true
		}
		if len(ids) < served/10 {
			t.Errorf("endpoint %d has answered %d of %d requests: it was not used", i, len(ids), served)
		}
		for _, id := range ids {
			generated[id]++
		}
	}
	for id, n := range generated {
		if n > 1 {
			t.Errorf("%s was generated %d times", id, n)
		}
	}
	for id := range r.served {
		if generated[id] != 1 && !(generated[id] == 0 && atAnEnd[id]) {
			t.Errorf("%s was served, and the ledgers have it %d times", id, generated[id])
		}
	}
}

// TestAllEndpointsDown: whoever comes is told at once, and it ends by itself.
func TestAllEndpointsDown(t *testing.T) {
	t.Parallel()
	all := []*endpoint{newEndpoint(t), newEndpoint(t), newEndpoint(t)}
	p := start(t, "serve", "--config", endpointsConfig(t, "", all...))
	c := newClient(t, "http://"+p.address(t))
	if a := c.send(t.Context(), chat{user: "alice", tokens: 5}); a.status != http.StatusOK {
		t.Fatalf("%d %v %s", a.status, a.err, a.body)
	}
	if status, body := c.get("/api/v1/models/" + model + "/health"); status != http.StatusOK {
		t.Errorf("its health is %d %s", status, body)
	}
	for _, e := range all {
		e.kill()
	}
	var took []time.Duration
	for range 100 {
		a := c.send(t.Context(), chat{user: "alice", tokens: 5})
		if a.status != http.StatusServiceUnavailable || a.failure().Error.Code != "model_unavailable" || a.header.Get("Retry-After") == "" {
			t.Fatalf("%d %v %v %s", a.status, a.err, a.header, a.body)
		}
		took = append(took, a.took)
	}
	slices.Sort(took)
	t.Logf("told in %v by the median, %v at most", took[len(took)/2], took[len(took)-1])
	if usual := took[len(took)/2]; usual > 200*time.Millisecond { // a refused connection waits for nobody
		t.Errorf("half of the refusals took more than %v", usual)
	}
	if status, body := c.get("/api/v1/models/" + model + "/health"); status != http.StatusServiceUnavailable {
		t.Errorf("its health is %d %s", status, body)
	}
	for _, e := range all {
		e.start(t)
	}
	eventually(t, patience, "an answer", func() bool { return c.send(t.Context(), chat{user: "alice", tokens: 5}).status == http.StatusOK })
	lines := p.stderr.lines("a model server is away")
	if len(lines) != len(all) {
		t.Errorf("%d lines tell of 3 model servers: %s", len(lines), lines)
	}
	for _, line := range lines {
		if !strings.Contains(line, "connection refused") {
			t.Errorf("why it is away is not told: %s", line)
		}
	}
}
