package operations

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// receiver is a collector: it keeps the spans that come.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*otlp.Span
	service map[string]string
	raw     strings.Builder // everything, to be searched for what must not be there
}

// receive starts a collector and points the standard variables at it.
func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{service: map[string]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(q.Body)
		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &export)
		}
		if err != nil || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("the collector got %s %s: %v", q.Method, q.URL, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.add(&export, b)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	return r
}

func (r *receiver) add(export *collector.ExportTraceServiceRequest, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(raw)
	for _, s := range export.ResourceSpans {
		for _, a := range s.Resource.Attributes {
			r.service[a.Key] = text(a)
		}
		for _, scope := range s.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// text returns the value of an attribute in words.
func text(a *common.KeyValue) string {
	if v, ok := a.Value.Value.(*common.AnyValue_StringValue); ok {
		return v.StringValue
	}
	return strings.Trim(strings.SplitN(a.Value.String(), ":", 2)[1], `" `)
}

// of returns the spans of a trace.
func (r *receiver) of(trace string) (list []*otlp.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) == trace {
			list = append(list, s)
		}
	}
	return list
}

// one returns the only span of a kind and the beginning of a name.
func one(t *testing.T, spans []*otlp.Span, kind otlp.Span_SpanKind, name string) *otlp.Span {
	t.Helper()
	var found []*otlp.Span
	for _, s := range spans {
		if s.Kind == kind && strings.HasPrefix(s.Name, name) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %v %q in %v", len(found), kind, name, spans)
	}
	return found[0]
}

// wants checks attributes, given as name and value in turn; "" is one that must
// not be there.
func wants(t *testing.T, s *otlp.Span, pairs ...string) {
	t.Helper()
	got := map[string]string{}
	for _, a := range s.Attributes {
		got[a.Key] = text(a)
	}
	for pair := range slices.Chunk(pairs, 2) {
		if got[pair[0]] != pair[1] {
			t.Errorf("%s: %s is %q, want %q", s.Name, pair[0], got[pair[0]], pair[1])
		}
	}
}

const (
	parentTrace = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
)

// traced sends a request that belongs to a trace of the client's.
func traced(t *testing.T, g *apptest.Gateway, trace, body string) {
	t.Helper()
	r := g.Request(t.Context(), chatPath, "secret-user", body)
	r.Header.Set("Traceparent", "00-"+trace+"-"+parentSpan+"-01")
	r.Header.Set("Tracestate", "vendor=1")
	response, err := g.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
}

// TestTraces: a request is a span of the client's trace, with its steps below it,
// what it used, and what went wrong; the model server belongs to the trace too.
func TestTraces(t *testing.T) {
	r := receive(t)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	var mu sync.Mutex
	var sent []http.Header
	g := apptest.Start(t, apptest.Options{
		Auth: true, Config: strings.Replace(keys(t), "name: root,", "name: root, act-as: true,", 1),
		Limits: "{max-requests-per-day: 2}", Aliases: []string{"free"},
		Wrap: func(mock http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if q.URL.Path == chatPath {
					mu.Lock()
					sent = append(sent, q.Header.Clone())
					mu.Unlock()
				}
				mock.ServeHTTP(w, q)
			})
		},
	})
	g.Client = &http.Client{Transport: withKey{}}
	kinds := []string{"1", "2", "3", "4", "5"}
	trace := func(kind string) string { return parentTrace[:31] + kind }
	traced(t, g, trace("1"), chat("", `"output_tokens":7,"input_tokens":5`))
	traced(t, g, trace("2"), chat(`,"stream":true`, `"output_tokens":7`))
	traced(t, g, trace("3"), chat("", "")) // denied
	traced(t, g, trace("4"), strings.Replace(chat("", `"fail":"reset"`), "llama2-7b", "free", 1))
	traced(t, g, trace("5"), strings.Replace(chat("", ""), "llama2-7b", "secret-model", 1))
	if err := g.Stop(); err != nil { // which sends what is left
		t.Fatal(err)
	}
	for _, kind := range kinds {
		server := one(t, r.of(trace(kind)), otlp.Span_SPAN_KIND_SERVER, "POST /v1/chat/completions")
		if hex.EncodeToString(server.ParentSpanId) != parentSpan || server.TraceState != "vendor=1" {
			t.Errorf("%s: the client's trace is not continued: %v", kind, server)
		}
		wants(t, server, "http.route", chatPath, "gen_ai.operation.name", "chat", "url.scheme", "http")
		for _, s := range r.of(trace(kind)) {
			if s != server && string(s.ParentSpanId) != string(server.SpanId) {
				t.Errorf("%s: %s is below something else", kind, s.Name)
			}
			if s.StartTimeUnixNano < server.StartTimeUnixNano || s.EndTimeUnixNano > server.EndTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("%s: %s is longer than the request", kind, s.Name)
			}
		}
	}
	whole := func(kind string) *otlp.Span { return one(t, r.of(trace(kind)), otlp.Span_SPAN_KIND_SERVER, "POST") }
	attempt := func(kind string) *otlp.Span {
		return one(t, r.of(trace(kind)), otlp.Span_SPAN_KIND_CLIENT, "chat llama2-7b")
	}
	step := func(kind, name string) *otlp.Span {
		return one(t, r.of(trace(kind)), otlp.Span_SPAN_KIND_INTERNAL, name)
	}

	for _, kind := range []string{"1", "2"} {
		sum := g.Ledger.Entries()[map[string]int{"1": 0, "2": 1}[kind]]
		wants(t, whole(kind), "http.response.status_code", "200", "gen_ai.request.model", "llama2-7b", "error.type", "",
			"gen_ai.usage.output_tokens", "7", "gen_ai.usage.input_tokens", fmt.Sprint(sum.Input))
		wants(t, attempt(kind), "http.response.status_code", "200", "gen_ai.usage.output_tokens", "7", "server.address", strings.TrimPrefix(g.MockURL, "http://"))
		wants(t, step(kind, "reserve"), "token_rate_limiter.admitted", "true")
		step(kind, "settle")
	}
	if e := attempt("2").Events; len(e) != 1 || e[0].Name != "first token" {
		t.Errorf("events of the stream: %v", e)
	}
	wants(t, whole("3"), "http.response.status_code", "429", "error.type", "rate_limit_exceeded", "token_rate_limiter.limit", "user requests per day")
	wants(t, step("3", "reserve"), "token_rate_limiter.admitted", "")
	wants(t, whole("4"), "http.response.status_code", "502", "error.type", "upstream_error")
	wants(t, whole("5"), "http.response.status_code", "404", "error.type", "model_not_found", "gen_ai.request.model", "")
	for kind, want := range map[string]otlp.Status_StatusCode{
		"1": otlp.Status_STATUS_CODE_UNSET, "3": otlp.Status_STATUS_CODE_UNSET, "4": otlp.Status_STATUS_CODE_ERROR, "5": otlp.Status_STATUS_CODE_UNSET,
	} {
		if got := whole(kind).GetStatus().GetCode(); got != want {
			t.Errorf("%s: the status is %v, want %v", kind, got, want)
		}
	}
	if got := attempt("4").GetStatus().GetCode(); got != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("the failed attempt has the status %v", got)
	}
	if got, want := sent[0].Get("Traceparent"), "00-"+trace("1")+"-"+hex.EncodeToString(attempt("1").SpanId)+"-01"; got != want || sent[0].Get("Tracestate") != "vendor=1" {
		t.Errorf("the model server got %s, want %s", got, want)
	}
	if r.service["service.name"] != "token-rate-limiter" || r.service["deployment.environment"] != "test" {
		t.Errorf("the service is %v", r.service)
	}
	if !strings.Contains(g.Logs.String(), `"trace_id":"`+trace("1")+`"`) {
		t.Error("the log line does not name the trace")
	}
	for _, secret := range []string{"secret-user", "Hello there", adminKey, "secret-model", "alice", "root"} {
		if strings.Contains(r.raw.String(), secret) {
			t.Errorf("a trace tells of %q", secret)
		}
	}
}

// withKey sends requests with the admin's key.
type withKey struct{}

func (withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+adminKey)
	return http.DefaultTransport.RoundTrip(r)
}

// TestTracesAreOff: without the variables, or with those that say so, nothing is
// sent and the client's trace goes to the model server as it is.
func TestTracesAreOff(t *testing.T) {
	for _, name := range []string{"OTEL_TRACES_EXPORTER=none", "OTEL_SDK_DISABLED=true", "OTEL_TRACES_SAMPLER=always_off", ""} {
		t.Run(name, func(t *testing.T) {
			r := receive(t)
			if variable, value, ok := strings.Cut(name, "="); ok {
				t.Setenv(variable, value)
			} else {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
			}
			var parent string
			g := apptest.Start(t, apptest.Options{Wrap: func(mock http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if q.URL.Path == chatPath {
						parent = q.Header.Get("Traceparent")
					}
					mock.ServeHTTP(w, q)
				})
			}})
			traced(t, g, parentTrace, chat("", ""))
			if err := g.Stop(); err != nil {
				t.Fatal(err)
			}
			if len(r.spans) > 0 {
				t.Errorf("%d spans were sent", len(r.spans))
			}
			if strings.Contains(name, "SAMPLER") { // the gateway takes part, and says that nothing is kept
				if !strings.HasPrefix(parent, "00-"+parentTrace) || !strings.HasSuffix(parent, "-00") {
					t.Errorf("the model server got %s", parent)
				}
			} else if parent != "00-"+parentTrace+"-"+parentSpan+"-01" {
				t.Errorf("the model server got %s", parent)
			}
		})
	}
}
