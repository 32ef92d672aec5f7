package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/token-rate-limiter/token-rate-limiter/internal/catalog"
	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/httpclient"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
	"github.com/token-rate-limiter/token-rate-limiter/internal/outcome"
	"github.com/token-rate-limiter/token-rate-limiter/internal/reply"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/telemetry"
	"github.com/token-rate-limiter/token-rate-limiter/internal/upstream"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

const (
	benchRequest = `{"model":"llama2-7b","max_tokens":64,"messages":[{"role":"user","content":"How many tokens are in this sentence?"}]}`
	benchAnswer  = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"llama2-7b","choices":[{"index":0,"message":{"role":"assistant","content":"Eight or so."},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":4,"total_tokens":22}}`
	benchHead    = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: 250\r\ncontent-type: application/json\r\n\r\n"
)

// BenchmarkChat is a chat's whole way through the handler, with its log line,
// limits and metrics, but without the kernel and net/http: what the gateway itself
// adds to them.
func BenchmarkChat(b *testing.B) {
	mux := new(gate.Mux)
	benchHandler(b).Register(mux)
	handler := reply.WithRequestID(mux)
	body := strings.NewReader(benchRequest)
	ctx, cancel := context.WithCancel(context.Background()) // as net/http's has an end
	defer cancel()
	request := (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: wire.ChatCompletions.Path()}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}, "X-User-Id": {"alice"}, "User-Agent": {"bench"}},
		ContentLength: int64(body.Len()), RemoteAddr: "127.0.0.1:50000",
	}).WithContext(ctx)
	w := &benchWriter{}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(benchRequest)
		request.Body = io.NopCloser(body)
		delete(request.Header, reply.IDHeader)
		w.header, w.status, w.bytes = make(http.Header), 0, 0
		handler.ServeHTTP(w, request)
		if w.status != http.StatusOK || w.bytes != len(benchAnswer) {
			b.Fatalf("the answer is %d with %d bytes", w.status, w.bytes)
		}
	}
}

// benchHandler returns a handler whose model server answers from memory.
func benchHandler(b *testing.B) *Handler {
	windows := []limit.Limit{
		{Meter: limit.Tokens, Window: limit.Minute, Max: 1e12},
		{Meter: limit.Tokens, Window: limit.Hour, Max: 1e13},
		{Meter: limit.Tokens, Window: limit.Day, Max: 1e14},
	}
	policy, err := limit.NewPolicy(limit.PolicyOptions{
		Model: "llama2-7b", User: windows, MaxConcurrentPerUser: limit.Unlimited, MaxConcurrent: 1000,
	})
	if err != nil {
		b.Fatal(err)
	}
	client, err := httpclient.New(httpclient.Options{
		URL:  &url.URL{Scheme: "http", Host: "model.test:8000"},
		Dial: func(context.Context, string, string) (net.Conn, error) { return &benchConn{}, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	server := upstream.New(upstream.Options{Client: client})
	metrics := telemetry.NewMetrics(prometheus.NewRegistry())
	m := &catalog.Model{
		Name: "llama2-7b", ServedAs: "llama2-7b", Policy: policy, Metrics: metrics.Model("llama2-7b"),
		Pricer: usage.NewPricer(usage.Options{DefaultOutput: 100}), Quirks: &catalog.Quirks{},
		Pool: upstream.NewPool("", []*upstream.Server{server}, nil), ResponseTimeout: time.Minute,
	}
	served := catalog.New([]*catalog.Model{m})
	log := telemetry.NewLogger(telemetry.NewBuffer(io.Discard, nil), telemetry.LogOptions{})
	return New(Options{
		Catalog: func() *catalog.Catalog { return served }, Store: memory.New(memory.Options{}),
		Gate: &gate.Gate{Authenticator: func() identity.Authenticator { return identity.Anyone{} }}, Log: log, Readers: []outcome.Reader{outcome.Metrics{Metrics: metrics}, outcome.Log{Logger: log}},
		MaxBodyBytes: 1 << 20, BodyTimeout: time.Minute,
	})
}

// benchWriter takes an answer, and deadlines as net/http's does.
type benchWriter struct {
	header http.Header
	status int
	bytes  int
}

func (w *benchWriter) Header() http.Header             { return w.header }
func (w *benchWriter) WriteHeader(status int)          { w.status = status }
func (w *benchWriter) Write(p []byte) (int, error)     { w.bytes += len(p); return len(p), nil }
func (w *benchWriter) SetReadDeadline(time.Time) error { return nil }

// benchConn is a connection to a model server that answers every write.
type benchConn struct {
	net.Conn
	answer bytes.Reader
}

func (c *benchConn) Write(p []byte) (int, error) {
	c.answer.Reset([]byte(benchHead + benchAnswer))
	return len(p), nil
}
func (c *benchConn) Read(p []byte) (int, error)      { return c.answer.Read(p) }
func (c *benchConn) SetDeadline(time.Time) error     { return nil }
func (c *benchConn) SetReadDeadline(time.Time) error { return nil }
func (c *benchConn) Close() error                    { return nil }
