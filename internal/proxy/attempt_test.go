package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestRequestMoves: a request that one model's servers have not answered is answered by
// another model, under that one's name. The first has charged nothing, or a request where
// its server has got it; the second what the answer tells. Nothing runs afterwards, and
// neither model is held.
func TestRequestMoves(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first http.HandlerFunc // nil: nobody listens
		want  string           // used of the first model
		// requests is what the record says that its attempt was charged.
		requests int
	}{
		{"nobody there", nil, "0 tokens, 0 requests, 0 running", 0},
		{"a failure", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "0 tokens, 1 requests, 0 running", 1},
		{"a full queue", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost { // it says that it is well
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, "0 tokens, 0 requests, 0 running", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sent []string
			second := func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sent = append(sent, string(body))
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, strings.Replace(benchAnswer, "llama2-7b", "served-b", 1))
			}
			store, metrics := memory.New(memory.Options{}), telemetry.NewMetrics(prometheus.NewRegistry())
			a, b := modelAt(t, metrics, "a", tt.first), modelAt(t, metrics, "b", second)
			gone := 0
			a.Gone, b.Gone = func() { gone++ }, func() { gone++ }
			served := catalog.New([]*catalog.Model{a, b})
			var seen outcomes
			h := serving(served, store, &seen)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, wire.ChatCompletions.Path(), strings.NewReader(strings.Replace(benchRequest, "llama2-7b", "a", 1)))
			x := h.begin(w, r, wire.ChatCompletions)
			if err := x.run(); err == nil || x.status != 0 {
				t.Fatalf("the first model has answered %d", x.status)
			}
			if !b.Hold() {
				t.Fatal("the second model is not served")
			}
			w.Header().Set(capHeader, "7")
			w.Header().Set("Anthropic-Ratelimit-Input-Tokens-Reset", "7")
			x.attemptOn(b)
			for name := range w.Header() {
				if name == capHeader || strings.Contains(name, "Ratelimit") {
					t.Errorf("the client is told %s of the first model", name)
				}
			}
			if err := errors.Join(x.price(), x.reserve()); err != nil {
				t.Fatal(err)
			}
			if answered, err := x.forward(); answered || err != nil {
				t.Fatal(answered, err)
			}
			if err := x.relay(); err != nil {
				t.Fatal(err)
			}
			h.end(x)
			if !strings.Contains(w.Body.String(), `"model":"b"`) || len(sent) != 1 || !strings.Contains(sent[0], `"model":"served-b"`) {
				t.Errorf("sent %s, and the client got %s", sent, w.Body)
			}
			if want := (outcomes{"200 of b: 18+4 tokens", fmt.Sprintf("before of a: 0+0 tokens and %d requests, estimated at 17", tt.requests)}); !slices.Equal(seen, want) {
				t.Errorf("the record says %q, want %q", seen, want)
			}
			if got := usedOf(t, store, a); got != tt.want {
				t.Errorf("of the first model %s, want %s", got, tt.want)
			}
			if got := usedOf(t, store, b); got != "22 tokens, 1 requests, 0 running" {
				t.Errorf("of the second model %s", got)
			}
			if served.Release(); gone != 2 {
				t.Errorf("%d of two models are let go", gone)
			}
		})
	}
}

// TestTimeOfModelServersIsTheirs: what a model server takes is none of the gateway's own time,
// whatever it answers, and also where it was asked for the number of tokens only.
func TestTimeOfModelServersIsTheirs(t *testing.T) {
	const late = 50 * time.Millisecond
	for _, tt := range []struct {
		name         string
		status       int
		took, asking time.Duration // at the least
		exact        bool
	}{
		{"an answer", http.StatusOK, late, 0, false},
		{"a failure", http.StatusInternalServerError, late, 0, false},
		{"a redirection", http.StatusFound, late, 0, false},
		{"a refusal", http.StatusBadRequest, late, 0, false},
		{"a question", http.StatusOK, late, late, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			metrics := telemetry.NewMetrics(prometheus.NewRegistry())
			m := modelAt(t, metrics, "a", func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(late)
				if r.URL.Path == wire.Tokenize.Path() {
					_, _ = io.WriteString(w, `{"count":20,"max_model_len":4096}`)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, benchAnswer)
			})
			m.ExactInput = tt.exact
			served := catalog.New([]*catalog.Model{m})
			var seen times
			h := serving(served, memory.New(memory.Options{}), &seen)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, wire.ChatCompletions.Path(), strings.NewReader(strings.Replace(benchRequest, "llama2-7b", "a", 1)))
			h.serve(httptest.NewRecorder(), r, wire.ChatCompletions)
			if seen.took < tt.took || seen.asking < tt.asking || tt.asking == 0 && seen.asking != 0 {
				t.Errorf("it took %v, and %v to be asked; want %v and %v", seen.took, seen.asking, tt.took, tt.asking)
			}
		})
	}
}

// TestRecordIsWhole: what was granted, what came back of it, how fast a stream was, and which
// limits have denied a request, also after the ticket is used again.
func TestRecordIsWhole(t *testing.T) {
	stream := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":18,"completion_tokens":1}}`+"\n\n"+
			`data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":4}}`+"\n\ndata: [DONE]\n\n")
	}
	metrics := telemetry.NewMetrics(prometheus.NewRegistry())
	served := catalog.New([]*catalog.Model{modelAt(t, metrics, "a", stream)})
	var seen records
	h := serving(served, memory.New(memory.Options{}), &seen)
	body := strings.Replace(strings.Replace(benchRequest, "llama2-7b", "a", 1), "{", `{"stream":true,`, 1)
	for range 12 {
		h.serve(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, wire.ChatCompletions.Path(), strings.NewReader(body)), wire.ChatCompletions)
	}
	first, last := seen[0], seen[len(seen)-1]
	if granted := first.Granted.Tokens(); granted < 50 || first.Settlement.Refunded != granted-22 || first.Settlement.Overrun != 0 {
		t.Errorf("%d tokens were granted, and it came to %+v", granted, first.Settlement)
	}
	if p := first.Pace; p.First.Before(first.Sent) || p.Last.Before(p.First) || p.Last.After(first.Ended) {
		t.Errorf("sent at %v, its tokens came from %v to %v", first.Sent, p.First, p.Last)
	}
	if d := last.Denial; last.Status != http.StatusTooManyRequests || d == nil || d.Limit() != "user requests per day" || last.Limit != d.Limit() || d.Need.Requests != 1 {
		t.Errorf("the last one ended with %d, denied by %q: %+v", last.Status, last.Limit, d)
	}
	if first.Denial != nil || !last.Pace.First.IsZero() || last.Granted != (limit.Amount{}) || last.Settlement != (limit.Settlement{}) {
		t.Errorf("the records have something of one another: %+v, %+v", first, last)
	}
}

// records are what a reader has read.
type records []outcome.Record

func (o *records) Read(_ context.Context, r *outcome.Record) { *o = append(*o, *r) }

// serving returns a handler of these models, for anyone, whose outcomes r reads.
func serving(served *catalog.Catalog, store limit.Store, r outcome.Reader) *Handler {
	return New(Options{
		Catalog: func() *catalog.Catalog { return served }, Store: store, Readers: []outcome.Reader{r},
		Gate: &gate.Gate{Authenticator: func() identity.Authenticator { return identity.Anyone{} }},
		Log:  telemetry.NewLogger(io.Discard, telemetry.LogOptions{}), MaxBodyBytes: 1 << 20, BodyTimeout: time.Minute,
	})
}

// times are those that the last record tells of model servers.
type times struct{ took, asking time.Duration }

func (t *times) Read(_ context.Context, r *outcome.Record) { t.took, t.asking = r.Took, r.Asking }

// outcomes are what a reader has read.
type outcomes []string

func (o *outcomes) Read(_ context.Context, r *outcome.Record) {
	*o = append(*o, fmt.Sprintf("%d of %s: %d+%d tokens", r.Code(), r.Model.Name, r.Cost.Amount.Input, r.Cost.Amount.Output))
	for _, a := range r.Earlier {
		*o = append(*o, fmt.Sprintf("before of %s: %d+%d tokens and %d requests, estimated at %d", a.Model.Name, a.Cost.Amount.Input, a.Cost.Amount.Output, a.Cost.Amount.Requests, a.Price.Input))
	}
}

// modelAt returns a model of a server that answers so.
func modelAt(t *testing.T, metrics *telemetry.Metrics, name string, answer http.HandlerFunc) *catalog.Model {
	t.Helper()
	at := "http://127.0.0.1:9"
	if answer != nil {
		s := httptest.NewServer(answer)
		t.Cleanup(s.Close)
		at = s.URL
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	client, err := httpclient.New(httpclient.Options{URL: u, Dial: (&net.Dialer{}).DialContext})
	if err != nil {
		t.Fatal(err)
	}
	server := upstream.New(upstream.Options{Client: client})
	return &catalog.Model{
		Name: name, ServedAs: "served-" + name, Metrics: metrics.Model(name), Quirks: &catalog.Quirks{}, ResponseTimeout: time.Minute,
		Pricer: usage.NewPricer(usage.Options{DefaultOutput: 100}), Pool: upstream.NewPool("served-"+name, []*upstream.Server{server}, nil),
		Policy: limittest.Policy(t, limit.PolicyOptions{Model: name, MaxConcurrent: 2, MaxConcurrentPerUser: limit.Unlimited, User: []limit.Limit{
			{Meter: limit.Tokens, Window: limit.Day, Max: 1000}, {Meter: limit.Requests, Window: limit.Day, Max: 10},
		}}),
	}
}

// usedOf returns what anonymous users have used of a model.
func usedOf(t *testing.T, s limit.Store, m *catalog.Model) string {
	t.Helper()
	v, err := s.View(context.Background(), m.Policy, identity.Anonymous)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d tokens, %d requests, %d running", v.Windows[0].Used+v.Windows[0].Reserved, v.Windows[1].Used+v.Windows[1].Reserved, v.Gauges[0].Running)
}
