package hostile_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/proxy"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
)

// usersPerAccount is how many users come for each account that there may be.
const usersPerAccount = 100

// floodAccounts is how many accounts there may be in a quick test; fewer under
// the race detector.
var floodAccounts = 200

// accountsMax is what the environment asks for, such as 10,000 for a million
// users, which takes about a minute; else floodAccounts.
func accountsMax() int {
	if n, err := strconv.Atoi(os.Getenv("FLOOD_ACCOUNTS")); err == nil {
		return n
	}
	return floodAccounts
}

// flooded is a data plane without a listener: the handler, a store, a pricer
// and metrics, and a model server at the other end of a pipe.
type flooded struct {
	mux      *gate.Mux
	store    *memory.Store
	registry *prometheus.Registry
}

func newFlooded(t *testing.T, accounts int, now func() limit.Instant) *flooded {
	t.Helper()
	f := &flooded{
		mux: new(gate.Mux), store: memory.New(memory.Options{MaxAccounts: accounts, Now: now}), registry: prometheus.NewRegistry(),
	}
	policy, err := limit.NewPolicy(limit.PolicyOptions{
		Model: "m", MaxConcurrent: limit.Unlimited, MaxConcurrentPerUser: 100,
		User: []limit.Limit{{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 40}, {Meter: limit.Requests, Window: limit.Minute, Max: 1 << 40}},
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := httpclient.New(httpclient.Options{URL: &url.URL{Scheme: "http", Host: "pipe"}, Dial: dialPipe})
	if err != nil {
		t.Fatal(err)
	}
	server := upstream.New(upstream.Options{Client: client})
	t.Cleanup(server.Close)
	metrics := telemetry.NewMetrics(f.registry)
	served := catalog.New([]*catalog.Model{{
		Name: "m", ServedAs: "m", Policy: policy, Pool: upstream.NewPool("", []*upstream.Server{server}, nil), Metrics: metrics.Model("m"), Quirks: new(catalog.Quirks), Pricer: usage.NewPricer(usage.Options{UsersMax: accounts}),
	}})
	proxy.New(proxy.Options{
		Catalog: func() *catalog.Catalog { return served }, Store: f.store, Gate: &gate.Gate{Authenticator: func() identity.Authenticator { return identity.Anyone{} }}, Readers: []outcome.Reader{outcome.Metrics{Metrics: metrics}},
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), MaxBodyBytes: 1 << 20,
	}).Register(f.mux)
	return f
}

// dialPipe connects to a model server that answers everything alike.
func dialPipe(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		const body = `{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`
		const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
		whole := []byte(answer + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
		br := bufio.NewReader(far)
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			io.Copy(io.Discard, r.Body)
			if _, err := far.Write(whole); err != nil {
				return
			}
		}
	}()
	return near, nil
}

// sink is a ResponseWriter that keeps the status only.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// come has the users with the numbers from first to last make a request each.
func (f *flooded) come(t *testing.T, first, last int) {
	t.Helper()
	const body = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
	for i := first; i < last; i++ {
		name := "user-" + strconv.Itoa(i) + "-with-a-long-name-that-must-not-stay"
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: chatPath}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "x",
			Header: http.Header{"X-User-Id": {name}, "X-Request-Id": {name}, "User-Agent": {name}},
			Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		w := sink{header: http.Header{}}
		f.mux.ServeHTTP(&w, r.WithContext(t.Context()))
		if w.status != http.StatusOK {
			t.Fatalf("user %d is answered with %d", i, w.status)
		}
	}
}

// heap returns the live memory in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// series counts what is exported.
func (f *flooded) series(t *testing.T) (n int) {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		n += len(family.GetMetric())
	}
	return n
}

// TestFloodOfUsers has a hundred times as many users as there may be accounts.
// Neither the live memory nor the number of series grows with them, whether the
// accounts are all in use or come and go with time.
func TestFloodOfUsers(t *testing.T) {
	most := accountsMax()
	for name, apart := range map[string]time.Duration{"all at once": 0, "by and by": time.Minute / 100} {
		t.Run(name, func(t *testing.T) {
			clock := limittest.NewClock()
			f := newFlooded(t, most, func() limit.Instant { clock.Advance(apart); return clock.Now() })
			f.come(t, 0, most+most/5)
			memory, series := heap(), f.series(t)
			f.come(t, most+most/5, most*usersPerAccount)
			grown := float64(heap())/float64(memory) - 1
			if grown > 0.05 {
				t.Errorf("the memory has grown by %.1f %%, from %d KiB", 100*grown, memory>>10)
			}
			if now := f.series(t); now != series {
				t.Errorf("%d series have become %d", series, now)
			}
			if n := f.store.Accounts(); n > most || apart == 0 && n < most {
				t.Errorf("there are %d accounts, of at most %d", n, most)
			}
			t.Logf("%d users, %d accounts: the heap of %d KiB has grown by %.1f %%; %d series",
				most*usersPerAccount, f.store.Accounts(), memory>>10, 100*grown, series)
		})
	}
}
