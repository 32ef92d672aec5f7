package telemetry

import (
	"compress/gzip"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/token-rate-limiter/token-rate-limiter/internal/tlstest"
)

// setVariables sets variables by name and value in turn.
func setVariables(t *testing.T, pairs ...string) {
	t.Helper()
	for pair := range slices.Chunk(pairs, 2) {
		t.Setenv(pair[0], pair[1])
	}
}

// TestExporterVariables: where traces go, and what is said of a variable that is
// wrong. Values that may be secret are not repeated.
func TestExporterVariables(t *testing.T) {
	pair := tlstest.New(t)
	certificate, key := pair.Certificate, pair.Key
	for _, tt := range []struct {
		env  []string
		want string // the URL, or the beginning of the error
	}{
		{nil, "http://localhost:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, "http://c:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/base/"}, "https://c/base/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/own"}, "http://c/own"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/"}, "http://b/"},
		{[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, "http://localhost:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"}, "http://localhost:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"`},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"}, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "http/json"`},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://c"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no http"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:swordfish@c"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no http"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/?key=swordfish"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no http"},
		{[]string{"OTEL_EXPORTER_OTLP_HEADERS", "swordfish"}, "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		{[]string{"OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0aswordfish"}, "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		{[]string{"OTEL_EXPORTER_OTLP_HEADERS", "a b=swordfish"}, "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		{[]string{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}, `OTEL_EXPORTER_OTLP_TIMEOUT is "10s"`},
		{[]string{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"}, `OTEL_EXPORTER_OTLP_COMPRESSION is "zstd"`},
		{[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE", "/none/ca.pem"}, "OTEL_EXPORTER_OTLP_CERTIFICATE cannot be read: no such file"},
		{[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE", "exporter_test.go"}, "OTEL_EXPORTER_OTLP_CERTIFICATE names exporter_test.go"},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/none/c.pem"}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE makes no pair"},
		{[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE", "-----BEGIN swordfish"}, "OTEL_EXPORTER_OTLP_CERTIFICATE cannot be read"},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "-----BEGIN swordfish"}, "OTEL_EXPORTER_OTLP_CLIENT_KEY makes no pair"},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "-----BEGIN swordfish", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "exporter_test.go"}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE makes no pair"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY", key}, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE makes no pair"},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY", key}, "http://localhost:4318/v1/traces"},
		{[]string{"OTEL_BSP_MAX_QUEUE_SIZE", "-5"}, `OTEL_BSP_MAX_QUEUE_SIZE is "-5"`},
		{[]string{"OTEL_BSP_SCHEDULE_DELAY", "1e9"}, `OTEL_BSP_SCHEDULE_DELAY is "1e9"`},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/none/k.pem"}, "OTEL_EXPORTER_OTLP_CLIENT_KEY makes no pair"},
	} {
		t.Run(strings.Join(tt.env, " "), func(t *testing.T) {
			setVariables(t, tt.env...)
			got, err := exporterURL()
			if err == nil {
				err = checkExporter()
			}
			if err != nil {
				got = err.Error()
			}
			if err != nil && !strings.Contains(got, "; set ") {
				t.Errorf("%s: nothing is said of what to do", got)
			}
			if err == nil && got != tt.want || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "swordfish") {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestExporter: a collector behind TLS gets the header fields and the spans, compressed where
// that is wanted. What OTEL_EXPORTER_OTLP_INSECURE says is not for HTTP.
func TestExporter(t *testing.T) {
	for compression, encoding := range map[string]string{"": "", "gzip": "gzip"} {
		var mu sync.Mutex
		var got collector.ExportTraceServiceRequest
		var header http.Header
		c := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			header = r.Header.Clone()
			body := io.Reader(r.Body)
			if r.Header.Get("Content-Encoding") == "gzip" {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Error(err)
					return
				}
			}
			b, err := io.ReadAll(body)
			if err != nil || proto.Unmarshal(b, &got) != nil {
				t.Errorf("the collector cannot read it: %v", err)
			}
		}))
		ca := filepath.Join(t.TempDir(), "ca.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
		if err := os.WriteFile(ca, block, 0o600); err != nil {
			t.Fatal(err)
		}
		setVariables(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE", ca,
			"OTEL_EXPORTER_OTLP_COMPRESSION", compression, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, X-Other = c",
			"OTEL_EXPORTER_OTLP_INSECURE", "true")
		tracer, err := OpenTracer(t.Context(), "", func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		tracer.Begin(Request{Method: "POST", Route: "/some", Begun: time.Now()}).End(time.Time{})
		if err := tracer.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if header.Get("Api-Key") != "a b" || header.Get("X-Other") != "c" || header.Get("Content-Encoding") != encoding ||
			header.Get("Content-Type") != "application/x-protobuf" || len(got.ResourceSpans) != 1 ||
			got.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "POST /some" {
			t.Errorf("%q: %v %v", compression, header, &got)
		}
	}
}

// TestCertificateWithoutTLS: authorities for a collector that is not asked by TLS are a mistake.
func TestCertificateWithoutTLS(t *testing.T) {
	c := httptest.NewTLSServer(nil)
	defer c.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	setVariables(t, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_EXPORTER_OTLP_CERTIFICATE", ca)
	tracer, err := OpenTracer(t.Context(), "", func(error) {})
	if err == nil || tracer != nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_CERTIFICATE") {
		t.Errorf("an http collector and a certificate: %v", err)
	}
}

// TestFailuresAreTold: spans that a collector refuses are lost and told of, with what it says, and
// no more of that than the log has room for.
func TestFailuresAreTold(t *testing.T) {
	for answer, want := range map[string]string{"no such tenant; you sent api-key: swordfish": "403 Forbidden", strings.Repeat("long ", 1<<20): "too large"} {
		c := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, answer)
		}))
		setVariables(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=swordfish")
		var told []string
		tracer, err := OpenTracer(t.Context(), "", func(err error) { told = append(told, err.Error()) })
		if err != nil {
			t.Fatal(err)
		}
		tracer.Begin(Request{Method: "POST", Route: "/some", Begun: time.Now()}).End(time.Time{})
		_ = tracer.Close(t.Context())
		c.Close()
		if len(told) != 1 || !strings.Contains(told[0], want) || len(told[0]) > 2*responseBytesMax || strings.Contains(told[0], "swordfish") || strings.Contains(told[0], "tenant") {
			t.Errorf("told %d times: %.1000q", len(told), told)
		}
	}
}

// TestEndingIsBounded: spans that no collector takes hold nobody up at the end.
func TestEndingIsBounded(t *testing.T) {
	c := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer c.Close()
	setVariables(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	tracer, err := OpenTracer(t.Context(), "", func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Begin(Request{Method: "POST", Route: "/some", Begun: time.Now()}).End(time.Time{})
	begun := time.Now()
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if d := time.Since(begun); d > 4*time.Second {
		t.Errorf("it took %v", d)
	}
}
