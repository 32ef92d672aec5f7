package telemetry

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// environment is variables by name and value in turn.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// TestExporterVariables: where traces go, and what is said of a variable that is
// wrong. Values that may be secret are not repeated.
func TestExporterVariables(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want string // the endpoint, or the beginning of the error
	}{
		{nil, "http://localhost:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, "http://c:4318/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/base/"}, "https://c/base/v1/traces"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/own"}, "http://c/own"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/"}, "http://b/"},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL"},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://c"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no http"},
		{[]string{"OTEL_EXPORTER_OTLP_HEADERS", "swordfish"}, "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		{[]string{"OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0aswordfish"}, "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		{[]string{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}, `OTEL_EXPORTER_OTLP_TIMEOUT is "10s"`},
		{[]string{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"}, `OTEL_EXPORTER_OTLP_COMPRESSION is "zstd"`},
		{[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE", "/none/ca.pem"}, "OTEL_EXPORTER_OTLP_CERTIFICATE open /none/ca.pem"},
		{[]string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/none/c.pem"}, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and its _KEY"},
	} {
		s, err := newSender(environment(tt.env...))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = s.endpoint
		}
		if err == nil && got != tt.want || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "swordfish") {
			t.Errorf("%v: %s, want %s", tt.env, got, tt.want)
		}
	}
}

var someSpans = []*otlp.ResourceSpans{{SchemaUrl: "some"}}

// TestSender: a collector behind TLS gets the fields and the spans, compressed
// where that is wanted.
func TestSender(t *testing.T) {
	for compression, encoding := range map[string]string{"": "", "gzip": "gzip"} {
		var got otlp.TracesData
		var header http.Header
		c := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
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
		s, err := newSender(environment("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE", ca,
			"OTEL_EXPORTER_OTLP_COMPRESSION", compression, "OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, X-Other = c"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.UploadTraces(t.Context(), someSpans); err != nil {
			t.Fatal(err)
		}
		if header.Get("Api-Key") != "a b" || header.Get("X-Other") != "c" || header.Get("Content-Encoding") != encoding ||
			header.Get("Content-Type") != "application/x-protobuf" || len(got.ResourceSpans) != 1 || got.ResourceSpans[0].SchemaUrl != "some" {
			t.Errorf("%q: %v %v", compression, header, &got)
		}
		_ = s.Stop(t.Context())
		c.Close()
	}
}

// answering is a collector that answers with statuses in turn, without a network.
type answering struct {
	statuses []int
	at       []time.Duration // when each request came
	begun    time.Time
}

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) {
	a.at = append(a.at, time.Since(a.begun))
	status := a.statuses[min(len(a.at), len(a.statuses))-1]
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"5"}}, Body: http.NoBody}, nil
}

// TestSenderTriesAgain: while the collector is away or busy, as long as it wants
// and no longer than there is time; what it refuses is not sent again.
func TestSenderTriesAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []int
		at       []time.Duration
		fails    bool
	}{
		"away at first": {[]int{0, 0, 200}, []time.Duration{0, time.Second, 3 * time.Second}, false},
		"busy":          {[]int{503, 429, 200}, []time.Duration{0, 5 * time.Second, 10 * time.Second}, false},
		"refused":       {[]int{400}, []time.Duration{0}, true},
		"away for good": {[]int{0}, []time.Duration{0, 1 * time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &answering{statuses: tt.statuses, begun: time.Now()}
			s := &sender{endpoint: "http://c", timeout: time.Second, client: &http.Client{Transport: a}}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := s.UploadTraces(ctx, someSpans); (err != nil) != tt.fails {
				t.Errorf("%s: %v", name, err)
			}
			if len(a.at) != len(tt.at) {
				t.Fatalf("%s: sent at %v, want %v", name, a.at, tt.at)
			}
			for i := range tt.at {
				if a.at[i] != tt.at[i] {
					t.Errorf("%s: sent at %v, want %v", name, a.at, tt.at)
				}
			}
		})
	}
}
